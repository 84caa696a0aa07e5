; numba 0.68.1, llvmlite 0.50.0, Python 3.11
; 0596f1f6d08d4e57a4c2c708167c46454466c3c632ba963003b6d181e3e23265
define internal noundef i32 @compose(ptr noalias writeonly captures(none) %retptr, ptr noalias writeonly captures(none) %excinfo, i64 %arg.screen, i64 %arg.shown) local_unnamed_addr #0 {
entry:
  %.407 = alloca ptr, align 8
  store ptr null, ptr %.407, align 8
  %excinfo.7 = alloca ptr, align 8
  store ptr null, ptr %excinfo.7, align 8
  %.12 = inttoptr i64 %arg.screen to ptr
  %.13 = load i64, ptr %.12, align 1
  %.15 = add nsw i64 %arg.screen, 8
  %.16 = inttoptr i64 %.15 to ptr
  %.17 = load i64, ptr %.16, align 1
  %.22 = add nsw i64 %arg.screen, 16
  %.23 = inttoptr i64 %.22 to ptr
  %.24 = load i64, ptr %.23, align 1
  %.11.i = tail call i64 @llvm.smax.i64(i64 %.24, i64 0)
  %.56 = add nsw i64 %arg.screen, 32
  %.57 = inttoptr i64 %.56 to ptr
  %.58 = load i64, ptr %.57, align 1
  %.11.i7 = tail call i64 @llvm.smin.i64(i64 %.13, i64 %.58)
  %.95 = add nsw i64 %arg.screen, 24
  %.96 = inttoptr i64 %.95 to ptr
  %.97 = load i64, ptr %.96, align 1
  %.11.i8 = tail call i64 @llvm.smax.i64(i64 %.97, i64 0)
  %.127 = add nsw i64 %arg.screen, 40
  %.128 = inttoptr i64 %.127 to ptr
  %.129 = load i64, ptr %.128, align 1
  %.11.i9 = tail call i64 @llvm.smin.i64(i64 %.17, i64 %.129)
  store i64 1048576, ptr %.23, align 1
  store i64 1048576, ptr %.96, align 1
  tail call void asm sideeffect "", "~{memory}"() #0
  store i64 -1048576, ptr %.57, align 1
  store i64 -1048576, ptr %.128, align 1
  %.185 = icmp sle i64 %.11.i7, %.11.i
  %.189 = icmp sle i64 %.11.i9, %.11.i8
  %or.cond = select i1 %.185, i1 true, i1 %.189
  br i1 %or.cond, label %B680, label %B684
common.ret:                                       ; preds = %B744.endif.endif.if, %B954, %B680
  %common.ret.op = phi i32 [ 0, %B680 ], [ 0, %B954 ], [ %.411, %B744.endif.endif.if ]
  ret i32 %common.ret.op
B680:                                             ; preds = %entry
  store i64 0, ptr %retptr, align 8
  br label %common.ret
B684:                                             ; preds = %entry
  %.209 = add i64 %.13, 16
  %.255 = sub nsw i64 %.11.i9, %.11.i8
  %.29891.not = icmp slt i64 %.255, 1
  br i1 %.29891.not, label %B954, label %B742.if.lr.ph
B742.if.lr.ph:                                    ; preds = %B684
  %.404 = sub nsw i64 %.11.i7, %.11.i
  %.406 = add nsw i64 %arg.screen, 4800
  %0 = add i64 %.11.i9, 1
  %1 = sub i64 %0, %.11.i8
  %2 = mul i64 %.13, %.11.i8
  %3 = add i64 %.11.i, %2
  %4 = shl i64 %3, 2
  %5 = add i64 %arg.shown, %4
  %6 = shl i64 %.13, 2
  %7 = mul i64 %.11.i8, %.209
  %8 = add i64 %.11.i, %7
  %9 = add i64 %8, 136
  br label %B742.if
B954:                                             ; preds = %B744.endif.endif.endif, %B684
  store i64 1, ptr %retptr, align 8
  br label %common.ret
B742.if:                                          ; preds = %B742.if.lr.ph, %B744.endif.endif.endif
  %lsr.iv25 = phi i64 [ %9, %B742.if.lr.ph ], [ %lsr.iv.next26, %B744.endif.endif.endif ]
  %lsr.iv23 = phi i64 [ %5, %B742.if.lr.ph ], [ %lsr.iv.next24, %B744.endif.endif.endif ]
  %lsr.iv = phi i64 [ %1, %B742.if.lr.ph ], [ %lsr.iv.next, %B744.endif.endif.endif ]
  %10 = inttoptr i64 %arg.screen to ptr
  %sunkaddr = inttoptr i64 %arg.screen to ptr
  %sunkaddr27 = getelementptr i8, ptr %sunkaddr, i64 48
  %.33.i = load i64, ptr %sunkaddr27, align 1
  %.41.i = load i64, ptr %10, align 1
  %.43.i = shl i64 %.41.i, 3
  %sunkaddr28 = inttoptr i64 %arg.screen to ptr
  %sunkaddr29 = getelementptr i8, ptr %sunkaddr28, i64 56
  %.33.i12 = load i64, ptr %sunkaddr29, align 1
  %11 = add i64 %.33.i, %.43.i
  %12 = add i64 %lsr.iv25, %11
  %13 = add i64 %.33.i12, %.43.i
  %14 = add i64 %lsr.iv25, %13
  store ptr null, ptr %.407, align 8
  %.411 = call i32 @compose_row(ptr nonnull %.407, ptr nonnull %excinfo.7, i64 %12, i64 %14, i64 %lsr.iv23, i64 %.404, i64 %.406)
  switch i32 %.411, label %B744.endif.endif.if [
    i32 -2, label %B744.endif.endif.endif
    i32 0, label %B744.endif.endif.endif
  ]
B744.endif.endif.if:                              ; preds = %B742.if
  store ptr null, ptr %excinfo, align 8
  br label %common.ret
B744.endif.endif.endif:                           ; preds = %B742.if, %B742.if
  tail call void asm sideeffect "", "~{memory}"() #0
  %lsr.iv.next = add i64 %lsr.iv, -1
  %lsr.iv.next24 = add i64 %lsr.iv23, %6
  %lsr.iv.next26 = add i64 %lsr.iv25, %.209
  %.298 = icmp sgt i64 %lsr.iv.next, 1
  br i1 %.298, label %B742.if, label %B954
}
declare i64 @llvm.smax.i64(i64, i64) #1
declare i64 @llvm.smin.i64(i64, i64) #1
define internal noundef i32 @compose_row(ptr noalias writeonly captures(none) %retptr, ptr noalias readnone captures(none) %excinfo, i64 %arg.background, i64 %arg.foreground, i64 %arg.shown, i64 %arg.count, i64 %arg.pairs) local_unnamed_addr #0 {
entry:
  %const = bitcast i64 72340172838076673 to i64
  %.35 = icmp sgt i64 %arg.count, 7
  br i1 %.35, label %B16.preheader, label %B446
B16.preheader:                                    ; preds = %entry
  br label %B16
B16:                                              ; preds = %B16.preheader, %B16
  %background.2.0 = phi i64 [ %.225, %B16 ], [ %arg.background, %B16.preheader ]
  %foreground.2.0 = phi i64 [ %.227, %B16 ], [ %arg.foreground, %B16.preheader ]
  %shown.3.0 = phi i64 [ %8, %B16 ], [ %arg.shown, %B16.preheader ]
  %count.2.0 = phi i64 [ %.231, %B16 ], [ %arg.count, %B16.preheader ]
  %.50 = inttoptr i64 %background.2.0 to ptr
  %.51 = load i64, ptr %.50, align 1
  %.53 = inttoptr i64 %foreground.2.0 to ptr
  %.54 = load i64, ptr %.53, align 1
  %.6.i = lshr i64 %.54, 1
  %.7.i = or i64 %.6.i, %.54
  %.35.i = and i64 %.7.i, %const
  %.36.i = mul nuw i64 %.35.i, 255
  %.37.i = xor i64 %.36.i, -1
  %.38.i = and i64 %.51, %.37.i
  %.39.i = or i64 %.38.i, %.54
  %.81 = lshr i64 %.39.i, 6
  %.82 = or i64 %.81, %.39.i
  %.206 = shl i64 %.82, 3
  %.210 = and i64 %.206, 120
  %.212 = add nsw i64 %.210, %arg.pairs
  %.213 = inttoptr i64 %.212 to ptr
  %.214 = load i64, ptr %.213, align 1
  %.215 = inttoptr i64 %shown.3.0 to ptr
  store i64 %.214, ptr %.215, align 1
  %0 = lshr i64 %.82, 13
  %.210.1 = and i64 %0, 120
  %.212.1 = add nsw i64 %.210.1, %arg.pairs
  %.213.1 = inttoptr i64 %.212.1 to ptr
  %.214.1 = load i64, ptr %.213.1, align 1
  %1 = add i64 %shown.3.0, 8
  %.215.1 = inttoptr i64 %1 to ptr
  store i64 %.214.1, ptr %.215.1, align 1
  %2 = lshr i64 %.82, 29
  %.210.2 = and i64 %2, 120
  %.212.2 = add nsw i64 %.210.2, %arg.pairs
  %.213.2 = inttoptr i64 %.212.2 to ptr
  %.214.2 = load i64, ptr %.213.2, align 1
  %3 = add i64 %1, 8
  %.215.2 = inttoptr i64 %3 to ptr
  store i64 %.214.2, ptr %.215.2, align 1
  %4 = lshr i64 %.82, 45
  %.210.3 = and i64 %4, 120
  %.212.3 = add nsw i64 %.210.3, %arg.pairs
  %.213.3 = inttoptr i64 %.212.3 to ptr
  %.214.3 = load i64, ptr %.213.3, align 1
  %5 = add i64 %3, 8
  %.215.3 = inttoptr i64 %5 to ptr
  store i64 %.214.3, ptr %.215.3, align 1
  %.225 = add i64 %background.2.0, 8
  %.227 = add i64 %foreground.2.0, 8
  %.231 = add i64 %count.2.0, -8
  tail call void asm sideeffect "", "~{memory}"() #0
  %6 = add i64 %shown.3.0, 32
  %7 = add i64 %.231, 8
  %.257 = icmp sgt i64 %7, 15
  %8 = add i64 %5, 8
  br i1 %.257, label %B16, label %B446
B446:                                             ; preds = %B16, %entry
  %background.3.1 = phi i64 [ %arg.background, %entry ], [ %.225, %B16 ]
  %foreground.3.1 = phi i64 [ %arg.foreground, %entry ], [ %.227, %B16 ]
  %shown.5.1 = phi i64 [ %arg.shown, %entry ], [ %6, %B16 ]
  %count.3.1 = phi i64 [ %arg.count, %entry ], [ %.231, %B16 ]
  %.273 = icmp sgt i64 %count.3.1, 0
  br i1 %.273, label %B458, label %common.ret
B458:                                             ; preds = %B446
  %.283 = inttoptr i64 %background.3.1 to ptr
  %.284 = load i64, ptr %.283, align 1
  %.288 = inttoptr i64 %foreground.3.1 to ptr
  %.289 = load i64, ptr %.288, align 1
  %.6.i2 = lshr i64 %.289, 1
  %.7.i3 = or i64 %.6.i2, %.289
  %.35.i4 = and i64 %.7.i3, %const
  %.36.i5 = mul nuw i64 %.35.i4, 255
  %.37.i6 = xor i64 %.36.i5, -1
  %.38.i7 = and i64 %.284, %.37.i6
  %.39.i8 = or i64 %.38.i7, %.289
  %9 = add nuw nsw i64 %count.3.1, 1
  br label %B572.if
common.ret:                                       ; preds = %B572.if, %B446
  store ptr null, ptr %retptr, align 8
  ret i32 0
B572.if:                                          ; preds = %B572.if, %B458
  %lsr.iv = phi i64 [ %9, %B458 ], [ %lsr.iv.next, %B572.if ]
  %colors.4.0136 = phi i64 [ %.39.i8, %B458 ], [ %.451, %B572.if ]
  %shown.4.0135 = phi i64 [ %shown.5.1, %B458 ], [ %.455, %B572.if ]
  %.440 = shl i64 %colors.4.0136, 3
  %.441 = and i64 %.440, 24
  %.443 = add nsw i64 %.441, %arg.pairs
  %.444 = inttoptr i64 %.443 to ptr
  %.445 = load i64, ptr %.444, align 1
  %.447 = inttoptr i64 %shown.4.0135 to ptr
  %.448 = trunc i64 %.445 to i32
  store i32 %.448, ptr %.447, align 1
  %.451 = lshr i64 %colors.4.0136, 8
  %.455 = add nsw i64 %shown.4.0135, 4
  tail call void asm sideeffect "", "~{memory}"() #0
  %lsr.iv.next = add i64 %lsr.iv, -1
  %.401 = icmp sgt i64 %lsr.iv.next, 1
  br i1 %.401, label %B572.if, label %common.ret
}
attributes #0 = { nounwind }
attributes #1 = { mustprogress nocallback nocreateundeforpoison nofree nosync nounwind speculatable willreturn memory(none) }

define internal i64 @kernel(i64 %a, i64 %b) {
  %result = alloca i64
  %status = call i32 @compose(ptr %result, ptr null, i64 %a, i64 %b)
  %value = load i64, ptr %result
  ret i64 %value
}
