; numba 0.68.1, llvmlite 0.50.0, Python 3.11
; 0596f1f6d08d4e57a4c2c708167c46454466c3c632ba963003b6d181e3e23265
define internal noundef i32 @pixel(ptr noalias writeonly captures(none) %retptr, ptr noalias writeonly captures(none) %excinfo, i64 %arg._memory, i64 %arg.page, i64 %arg.screen, i64 %arg.control) local_unnamed_addr #0 {
entry:
  %.22 = alloca ptr, align 8
  store ptr null, ptr %.22, align 8
  %excinfo.1 = alloca ptr, align 8
  store ptr null, ptr %excinfo.1, align 8
  %.59 = alloca ptr, align 8
  store ptr null, ptr %.59, align 8
  %excinfo.2 = alloca ptr, align 8
  store ptr null, ptr %excinfo.2, align 8
  %.15 = and i64 %arg.control, 128
  %.16.not = icmp eq i64 %.15, 0
  br i1 %.16.not, label %B60, label %B24
B24:                                              ; preds = %entry
  store ptr null, ptr %.22, align 8
  %.26 = call i32 @draw_rectangle(ptr nonnull %.22, ptr nonnull %excinfo.1, i64 %arg.page, i64 %arg.screen, i64 %arg.control)
  switch i32 %.26, label %B24.if [
    i32 -2, label %B94
    i32 0, label %B94
  ]
B60:                                              ; preds = %entry
  store ptr null, ptr %.59, align 8
  %.63 = call i32 @draw_point(ptr nonnull %.59, ptr nonnull %excinfo.2, i64 %arg.page, i64 %arg.screen, i64 %arg.control)
  switch i32 %.63, label %B60.if [
    i32 -2, label %B94
    i32 0, label %B94
  ]
common.ret:                                       ; preds = %B60.if, %B24.if, %B94
  %common.ret.op = phi i32 [ 0, %B94 ], [ %.26, %B24.if ], [ %.63, %B60.if ]
  ret i32 %common.ret.op
B94:                                              ; preds = %B60, %B60, %B24, %B24
  store i64 0, ptr %retptr, align 8
  br label %common.ret
B24.if:                                           ; preds = %B24
  store ptr null, ptr %excinfo, align 8
  br label %common.ret
B60.if:                                           ; preds = %B60
  store ptr null, ptr %excinfo, align 8
  br label %common.ret
}
define internal noundef i32 @draw_rectangle(ptr noalias writeonly captures(none) %retptr, ptr noalias readnone captures(none) %excinfo, i64 %arg.page, i64 %arg.screen, i64 %arg.control) local_unnamed_addr #0 {
entry:
  %.13 = add nsw i64 %arg.page, 40
  %.5.i = inttoptr i64 %.13 to ptr
  %.6.i = load i8, ptr %.5.i, align 1
  %.7.i = zext i8 %.6.i to i64
  tail call void asm sideeffect "", "~{memory}"() #0
  %.10.i = add nsw i64 %arg.page, 41
  %.11.i = inttoptr i64 %.10.i to ptr
  %.12.i = load i8, ptr %.11.i, align 1
  %.13.i = zext i8 %.12.i to i64
  %0 = shl nuw i64 %.7.i, 56
  %1 = shl nuw nsw i64 %.13.i, 48
  %sext = or disjoint i64 %1, %0
  %.6.i10 = ashr exact i64 %sext, 48
  %.66 = add nsw i64 %arg.page, 42
  %.5.i11 = inttoptr i64 %.66 to ptr
  %.6.i12 = load i8, ptr %.5.i11, align 1
  %.7.i13 = zext i8 %.6.i12 to i64
  tail call void asm sideeffect "", "~{memory}"() #0
  %.10.i15 = add nsw i64 %arg.page, 43
  %.11.i16 = inttoptr i64 %.10.i15 to ptr
  %.12.i17 = load i8, ptr %.11.i16, align 1
  %.13.i18 = zext i8 %.12.i17 to i64
  %2 = shl nuw i64 %.7.i13, 56
  %3 = shl nuw nsw i64 %.13.i18, 48
  %sext30 = or disjoint i64 %3, %2
  %.6.i21 = ashr exact i64 %sext30, 48
  %.123 = inttoptr i64 %arg.screen to ptr
  %.124 = load i64, ptr %.123, align 1
  %.126 = add nsw i64 %arg.screen, 8
  %.127 = inttoptr i64 %.126 to ptr
  %.128 = load i64, ptr %.127, align 1
  %.136 = and i64 %arg.control, 16
  %.137.not = icmp eq i64 %.136, 0
  %.11.i2 = tail call i64 @llvm.smax.i64(i64 %.6.i10, i64 0)
  %"$phi294.0.2.0" = select i1 %.137.not, i64 %.11.i2, i64 0
  %.182 = and i64 %arg.control, 32
  %.183.not = icmp eq i64 %.182, 0
  %.11.i3 = tail call i64 @llvm.smax.i64(i64 %.6.i21, i64 0)
  %"$phi350.0.2.0" = select i1 %.183.not, i64 %.11.i3, i64 0
  %.11.i4 = tail call i64 @llvm.smin.i64(i64 %.124, i64 %.6.i10)
  %"$phi406.0.2.0" = select i1 %.137.not, i64 %.124, i64 %.11.i4
  %.11.i5 = tail call i64 @llvm.smin.i64(i64 %.128, i64 %.6.i21)
  %"$phi462.0.2.0" = select i1 %.183.not, i64 %.128, i64 %.11.i5
  %.337 = icmp sgt i64 %"$phi406.0.2.0", %"$phi294.0.2.0"
  %.341 = icmp sgt i64 %"$phi462.0.2.0", %"$phi350.0.2.0"
  %or.cond = select i1 %.337, i1 %.341, i1 false
  br i1 %or.cond, label %B488, label %common.ret
B488:                                             ; preds = %entry
  %.345 = add nsw i64 %.124, 16
  %.353 = and i64 %arg.control, 3
  %.5.i6 = mul nuw nsw i64 %.353, 72340172838076673
  %.421 = sub nsw i64 %"$phi462.0.2.0", %"$phi350.0.2.0"
  %.501127.not = icmp slt i64 %.421, 1
  br i1 %.501127.not, label %B756, label %B672.if.lr.ph
B756:                                             ; preds = %B674.endif, %B488
  %.9.i = add nsw i64 %arg.screen, 16
  %.11.i7 = inttoptr i64 %.9.i to ptr
  %.12.i8 = load i64, ptr %.11.i7, align 1
  %.11.i.i = tail call i64 @llvm.smin.i64(i64 %"$phi294.0.2.0", i64 %.12.i8)
  store i64 %.11.i.i, ptr %.11.i7, align 1
  %.45.i = add nsw i64 %arg.screen, 24
  %.47.i = inttoptr i64 %.45.i to ptr
  %.48.i = load i64, ptr %.47.i, align 1
  %.11.i1.i = tail call i64 @llvm.smin.i64(i64 %"$phi350.0.2.0", i64 %.48.i)
  store i64 %.11.i1.i, ptr %.47.i, align 1
  %.79.i = add nsw i64 %arg.screen, 32
  %.81.i = inttoptr i64 %.79.i to ptr
  %.82.i = load i64, ptr %.81.i, align 1
  %.11.i2.i = tail call i64 @llvm.smax.i64(i64 %"$phi406.0.2.0", i64 %.82.i)
  store i64 %.11.i2.i, ptr %.81.i, align 1
  %.113.i = add nsw i64 %arg.screen, 40
  %.115.i = inttoptr i64 %.113.i to ptr
  %.116.i = load i64, ptr %.115.i, align 1
  %.11.i3.i = tail call i64 @llvm.smax.i64(i64 %"$phi462.0.2.0", i64 %.116.i)
  store i64 %.11.i3.i, ptr %.115.i, align 1
  br label %common.ret
common.ret:                                       ; preds = %B756, %entry
  store ptr null, ptr %retptr, align 8
  ret i32 0
B672.if.lr.ph:                                    ; preds = %B488
  %.8.i22 = and i64 %arg.control, 64
  %.9.not.i = icmp eq i64 %.8.i22, 0
  %"$phi64.3.2.0.i" = select i1 %.9.not.i, i64 48, i64 56
  %.27.i = add nsw i64 %"$phi64.3.2.0.i", %arg.screen
  %.32.i = inttoptr i64 %.27.i to ptr
  %.33.i = load i64, ptr %.32.i, align 1
  %.43.i = shl i64 %.124, 3
  %.412 = mul nsw i64 %"$phi350.0.2.0", %.345
  %.45.i23 = add i64 %.43.i, 136
  %.46.i = add i64 %.45.i23, %"$phi294.0.2.0"
  %.413 = add i64 %.46.i, %.412
  %.415 = add i64 %.413, %.33.i
  %.542 = sub nsw i64 %"$phi406.0.2.0", %"$phi294.0.2.0"
  %.106.i = shl nsw i64 %.542, 3
  %.109.i = shl nsw i64 -1, %.106.i
  %.114.i = xor i64 %.109.i, -1
  %.116.i26 = and i64 %.5.i6, %.114.i
  br label %B672.if
B672.if:                                          ; preds = %B674.endif, %B672.if.lr.ph
  %row.2.0130 = phi i64 [ %.415, %B672.if.lr.ph ], [ %.571, %B674.endif ]
  %.500125129 = phi i64 [ %.421, %B672.if.lr.ph ], [ %.510, %B674.endif ]
  %4 = icmp sgt i64 %.542, 7
  br i1 %4, label %B16.i, label %B386.i
B16.i:                                            ; preds = %B672.if
  %.18.i = add nsw i64 %row.2.0130, %.542
  %.21.i = add nsw i64 %.18.i, -8
  %.35.i = add nsw i64 %.18.i, -32
  %.36.i = icmp slt i64 %row.2.0130, %.35.i
  br i1 %.36.i, label %B54.i.preheader, label %B256.i
B54.i.preheader:                                  ; preds = %B16.i
  br label %B54.i
B54.i:                                            ; preds = %B54.i.preheader, %B54.i
  %pixels.3.0.i = phi i64 [ %9, %B54.i ], [ %row.2.0130, %B54.i.preheader ]
  %.40.i28 = inttoptr i64 %pixels.3.0.i to ptr
  store i64 %.5.i6, ptr %.40.i28, align 1
  %5 = add i64 %pixels.3.0.i, 8
  %.45.i29 = inttoptr i64 %5 to ptr
  store i64 %.5.i6, ptr %.45.i29, align 1
  %6 = add i64 %5, 8
  %.50.i = inttoptr i64 %6 to ptr
  store i64 %.5.i6, ptr %.50.i, align 1
  %7 = add i64 %6, 8
  %.55.i = inttoptr i64 %7 to ptr
  store i64 %.5.i6, ptr %.55.i, align 1
  tail call void asm sideeffect "", "~{memory}"() #0
  %8 = add i64 %pixels.3.0.i, 32
  %9 = add i64 %7, 8
  %.66.i = icmp slt i64 %9, %.35.i
  br i1 %.66.i, label %B54.i, label %B256.i
B256.i:                                           ; preds = %B54.i, %B16.i
  %pixels.4.1.i = phi i64 [ %row.2.0130, %B16.i ], [ %8, %B54.i ]
  %.76.i = icmp slt i64 %pixels.4.1.i, %.21.i
  br i1 %.76.i, label %B268.i.preheader, label %B350.i
B268.i.preheader:                                 ; preds = %B256.i
  br label %B268.i
B268.i:                                           ; preds = %B268.i.preheader, %B268.i
  %pixels.5.0.i = phi i64 [ %.85.i, %B268.i ], [ %pixels.4.1.i, %B268.i.preheader ]
  %.82.i27 = inttoptr i64 %pixels.5.0.i to ptr
  store i64 %.5.i6, ptr %.82.i27, align 1
  %.85.i = add i64 %pixels.5.0.i, 8
  tail call void asm sideeffect "", "~{memory}"() #0
  %.90.i = icmp slt i64 %.85.i, %.21.i
  br i1 %.90.i, label %B268.i, label %B350.i
B350.i:                                           ; preds = %B268.i, %B256.i
  %.96.i = inttoptr i64 %.21.i to ptr
  store i64 %.5.i6, ptr %.96.i, align 1
  br label %B674.endif
B386.i:                                           ; preds = %B672.if
  %.111.i = inttoptr i64 %row.2.0130 to ptr
  %.112.i = load i64, ptr %.111.i, align 1
  %.113.i25 = and i64 %.112.i, %.109.i
  %.119.i = or i64 %.113.i25, %.116.i26
  store i64 %.119.i, ptr %.111.i, align 1
  br label %B674.endif
B674.endif:                                       ; preds = %B386.i, %B350.i
  %.510 = add nsw i64 %.500125129, -1
  %.571 = add nsw i64 %row.2.0130, %.345
  tail call void asm sideeffect "", "~{memory}"() #0
  %.501 = icmp sgt i64 %.500125129, 1
  br i1 %.501, label %B672.if, label %B756
}
declare i64 @llvm.smax.i64(i64, i64) #1
declare i64 @llvm.smin.i64(i64, i64) #1
define internal noundef i32 @draw_point(ptr noalias writeonly captures(none) initializes((0, 8)) %retptr, ptr noalias readnone captures(none) %excinfo, i64 %arg.page, i64 %arg.screen, i64 %arg.control) local_unnamed_addr #0 {
entry:
  %.15 = add nsw i64 %arg.page, 40
  %.5.i = inttoptr i64 %.15 to ptr
  %.6.i = load i8, ptr %.5.i, align 1
  %.7.i = zext i8 %.6.i to i64
  %.8.i = shl nuw nsw i64 %.7.i, 8
  tail call void asm sideeffect "", "~{memory}"() #0
  %.10.i = add nsw i64 %arg.page, 41
  %.11.i = inttoptr i64 %.10.i to ptr
  %.12.i = load i8, ptr %.11.i, align 1
  %.13.i = zext i8 %.12.i to i64
  %.14.i = or disjoint i64 %.8.i, %.13.i
  %.44 = add nsw i64 %arg.page, 42
  %.5.i14 = inttoptr i64 %.44 to ptr
  %.6.i15 = load i8, ptr %.5.i14, align 1
  %.7.i16 = zext i8 %.6.i15 to i64
  %.8.i17 = shl nuw nsw i64 %.7.i16, 8
  tail call void asm sideeffect "", "~{memory}"() #0
  %.10.i18 = add nsw i64 %arg.page, 43
  %.11.i19 = inttoptr i64 %.10.i18 to ptr
  %.12.i20 = load i8, ptr %.11.i19, align 1
  %.13.i21 = zext i8 %.12.i20 to i64
  %.14.i22 = or disjoint i64 %.8.i17, %.13.i21
  %.77 = inttoptr i64 %arg.screen to ptr
  %.78 = load i64, ptr %.77, align 1
  %.84 = icmp slt i64 %.14.i, %.78
  br i1 %.84, label %B154, label %B378
B154:                                             ; preds = %entry
  %.87 = add nsw i64 %arg.screen, 8
  %.88 = inttoptr i64 %.87 to ptr
  %.89 = load i64, ptr %.88, align 1
  %.91 = icmp slt i64 %.14.i22, %.89
  br i1 %.91, label %B208, label %B378
B208:                                             ; preds = %B154
  %.8.i1 = and i64 %arg.control, 64
  %.9.not.i = icmp eq i64 %.8.i1, 0
  %"$phi64.3.2.0.i" = select i1 %.9.not.i, i64 48, i64 56
  %.27.i = add nsw i64 %"$phi64.3.2.0.i", %arg.screen
  %.32.i = inttoptr i64 %.27.i to ptr
  %.33.i = load i64, ptr %.32.i, align 1
  %.43.i = shl i64 %.78, 3
  %.122 = add nuw nsw i64 %.78, 16
  %.126 = mul nsw i64 %.122, %.14.i22
  %.45.i = add nuw nsw i64 %.14.i, 136
  %.46.i = add i64 %.45.i, %.43.i
  %.127 = add i64 %.46.i, %.126
  %.129 = add i64 %.127, %.33.i
  %.132 = inttoptr i64 %.129 to ptr
  %0 = trunc i64 %arg.control to i8
  %.133 = and i8 %0, 3
  store i8 %.133, ptr %.132, align 1
  %.137 = add nuw nsw i64 %.14.i, 1
  %.139 = add nuw nsw i64 %.14.i22, 1
  %.9.i = add nsw i64 %arg.screen, 16
  %.11.i23 = inttoptr i64 %.9.i to ptr
  %.12.i24 = load i64, ptr %.11.i23, align 1
  %.11.i.i = tail call i64 @llvm.smin.i64(i64 %.14.i, i64 %.12.i24)
  store i64 %.11.i.i, ptr %.11.i23, align 1
  %.45.i25 = add nsw i64 %arg.screen, 24
  %.47.i = inttoptr i64 %.45.i25 to ptr
  %.48.i = load i64, ptr %.47.i, align 1
  %.11.i1.i = tail call i64 @llvm.smin.i64(i64 %.14.i22, i64 %.48.i)
  store i64 %.11.i1.i, ptr %.47.i, align 1
  %.79.i = add nsw i64 %arg.screen, 32
  %.81.i = inttoptr i64 %.79.i to ptr
  %.82.i = load i64, ptr %.81.i, align 1
  %.11.i2.i = tail call i64 @llvm.smax.i64(i64 %.137, i64 %.82.i)
  store i64 %.11.i2.i, ptr %.81.i, align 1
  %.113.i = add nsw i64 %arg.screen, 40
  %.115.i = inttoptr i64 %.113.i to ptr
  %.116.i = load i64, ptr %.115.i, align 1
  %.11.i3.i = tail call i64 @llvm.smax.i64(i64 %.139, i64 %.116.i)
  store i64 %.11.i3.i, ptr %.115.i, align 1
  br label %B378
B378:                                             ; preds = %B208, %B154, %entry
  %.175 = add nsw i64 %arg.page, 38
  %.176 = inttoptr i64 %.175 to ptr
  %.177 = load i8, ptr %.176, align 1
  %.178 = zext i8 %.177 to i64
  %.183 = and i64 %.178, 1
  %.184.not = icmp eq i64 %.183, 0
  br i1 %.184.not, label %B528, label %B444
B444:                                             ; preds = %B378
  %.190 = and i64 %arg.control, 16
  %.191.not = icmp eq i64 %.190, 0
  %"$phi512.3.2.0.v" = select i1 %.191.not, i64 1, i64 -1
  %"$phi512.3.2.0" = add nsw i64 %.14.i, %"$phi512.3.2.0.v"
  %.6.i2 = lshr i64 %"$phi512.3.2.0", 8
  %.8.i4 = trunc i64 %.6.i2 to i8
  %sunkaddr = inttoptr i64 %arg.page to ptr
  %sunkaddr26 = getelementptr i8, ptr %sunkaddr, i64 40
  store i8 %.8.i4, ptr %sunkaddr26, align 1
  %.12.i7 = trunc i64 %"$phi512.3.2.0" to i8
  %sunkaddr28 = getelementptr i8, ptr %sunkaddr, i64 41
  store i8 %.12.i7, ptr %sunkaddr28, align 1
  br label %B528
B528:                                             ; preds = %B444, %B378
  %.250 = and i64 %.178, 2
  %.253.not = icmp eq i64 %.250, 0
  br i1 %.253.not, label %common.ret, label %B548
B548:                                             ; preds = %B528
  %.261 = and i64 %arg.control, 32
  %.264.not = icmp eq i64 %.261, 0
  %"$phi616.3.2.0.v" = select i1 %.264.not, i64 1, i64 -1
  %"$phi616.3.2.0" = add nsw i64 %.14.i22, %"$phi616.3.2.0.v"
  %.6.i8 = lshr i64 %"$phi616.3.2.0", 8
  %.8.i10 = trunc i64 %.6.i8 to i8
  %sunkaddr29 = inttoptr i64 %arg.page to ptr
  %sunkaddr30 = getelementptr i8, ptr %sunkaddr29, i64 42
  store i8 %.8.i10, ptr %sunkaddr30, align 1
  %.12.i13 = trunc i64 %"$phi616.3.2.0" to i8
  %sunkaddr32 = getelementptr i8, ptr %sunkaddr29, i64 43
  store i8 %.12.i13, ptr %sunkaddr32, align 1
  br label %common.ret
common.ret:                                       ; preds = %B548, %B528
  store ptr null, ptr %retptr, align 8
  ret i32 0
}
attributes #0 = { nounwind }
attributes #1 = { mustprogress nocallback nocreateundeforpoison nofree nosync nounwind speculatable willreturn memory(none) }

define internal i64 @kernel(i64 %a, i64 %b, i64 %c, i64 %d) {
  %result = alloca i64
  %status = call i32 @pixel(ptr %result, ptr null, i64 %a, i64 %b, i64 %c, i64 %d)
  %value = load i64, ptr %result
  ret i64 %value
}
