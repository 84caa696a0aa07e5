; numba 0.68.1, llvmlite 0.50.0, Python 3.11
; 0596f1f6d08d4e57a4c2c708167c46454466c3c632ba963003b6d181e3e23265
define internal noundef i32 @sprite(ptr noalias writeonly captures(none) %retptr, ptr noalias writeonly captures(none) %excinfo, i64 %arg.memory, i64 %arg.page, i64 %arg.screen, i64 %arg.control) local_unnamed_addr #0 {
entry:
  %.577 = alloca ptr, align 8
  store ptr null, ptr %.577, align 8
  %excinfo.6 = alloca ptr, align 8
  store ptr null, ptr %excinfo.6, align 8
  %.17 = add nsw i64 %arg.page, 38
  %.18 = inttoptr i64 %.17 to ptr
  %.19 = load i8, ptr %.18, align 1
  %.20 = zext i8 %.19 to i64
  %.26 = add nsw i64 %arg.page, 40
  %.5.i = inttoptr i64 %.26 to ptr
  %.6.i = load i8, ptr %.5.i, align 1
  %.7.i = zext i8 %.6.i to i64
  %.8.i = shl nuw nsw i64 %.7.i, 8
  tail call void asm sideeffect "", "~{memory}"() #0
  %.10.i = add nsw i64 %arg.page, 41
  %.11.i = inttoptr i64 %.10.i to ptr
  %.12.i = load i8, ptr %.11.i, align 1
  %.13.i = zext i8 %.12.i to i64
  %.14.i = or disjoint i64 %.8.i, %.13.i
  %.55 = add nsw i64 %arg.page, 42
  %.5.i22 = inttoptr i64 %.55 to ptr
  %.6.i23 = load i8, ptr %.5.i22, align 1
  %.7.i24 = zext i8 %.6.i23 to i64
  %.8.i25 = shl nuw nsw i64 %.7.i24, 8
  tail call void asm sideeffect "", "~{memory}"() #0
  %.10.i26 = add nsw i64 %arg.page, 43
  %.11.i27 = inttoptr i64 %.10.i26 to ptr
  %.12.i28 = load i8, ptr %.11.i27, align 1
  %.13.i29 = zext i8 %.12.i28 to i64
  %.14.i30 = or disjoint i64 %.8.i25, %.13.i29
  %.88 = add nsw i64 %arg.page, 44
  %.5.i31 = inttoptr i64 %.88 to ptr
  %.6.i32 = load i8, ptr %.5.i31, align 1
  %.7.i33 = zext i8 %.6.i32 to i64
  %.8.i34 = shl nuw nsw i64 %.7.i33, 8
  tail call void asm sideeffect "", "~{memory}"() #0
  %.10.i35 = add nsw i64 %arg.page, 45
  %.11.i36 = inttoptr i64 %.10.i35 to ptr
  %.12.i37 = load i8, ptr %.11.i36, align 1
  %.13.i38 = zext i8 %.12.i37 to i64
  %.14.i39 = or disjoint i64 %.8.i34, %.13.i38
  %.117 = and i64 %arg.control, 16
  %"$phi214.0.2.0" = sub nsw i64 8, %.117
  %.134 = and i64 %arg.control, 32
  %.135.not = icmp eq i64 %.134, 0
  %"$phi242.0.2.0" = select i1 %.135.not, i64 8, i64 -8
  %.154 = and i64 %.20, 4
  %.155.not = icmp eq i64 %.154, 0
  %0 = and i64 %arg.control, 128
  %.161.not = icmp eq i64 %0, 0
  %. = select i1 %.161.not, i64 8, i64 16
  %step_address.2.0 = select i1 %.155.not, i64 0, i64 %.
  %.178 = inttoptr i64 %arg.screen to ptr
  %.179 = load i64, ptr %.178, align 1
  %.181 = add nsw i64 %arg.screen, 8
  %.182 = inttoptr i64 %.181 to ptr
  %.183 = load i64, ptr %.182, align 1
  %.192 = add nsw i64 %.179, 16
  %.8.i40 = and i64 %arg.control, 64
  %.9.not.i = icmp eq i64 %.8.i40, 0
  %"$phi64.3.2.0.i" = select i1 %.9.not.i, i64 48, i64 56
  %.27.i = add nsw i64 %"$phi64.3.2.0.i", %arg.screen
  %.32.i = inttoptr i64 %.27.i to ptr
  %.33.i41 = load i64, ptr %.32.i, align 1
  %.43.i = shl i64 %.179, 3
  %.118.not = icmp eq i64 %.117, 0
  %.231 = add nsw i64 %arg.screen, 64
  %.233 = and i64 %arg.control, 15
  %.234 = mul nuw nsw i64 %.233, 40
  %.235 = add nsw i64 %.231, %.234
  %"$phi580.1.2.0" = select i1 %.118.not, i64 704, i64 2752
  %.256 = add nsw i64 %"$phi580.1.2.0", %arg.screen
  %"$phi612.0.2.sroa.8.0" = select i1 %.135.not, i64 1, i64 -1
  %.335 = lshr i64 %.20, 4
  %.336 = add nuw nsw i64 %.335, 1
  %"$phi612.0.2.sroa.0.0" = select i1 %.135.not, i64 0, i64 7
  %.483 = add nsw i64 %.179, 8
  %.500 = add nsw i64 %.183, 8
  %.521 = add i64 %"$phi612.0.2.sroa.0.0", %arg.memory
  %1 = and i64 %.20, 2
  %.767.not = icmp eq i64 %1, 0
  %.771 = select i1 %.767.not, i64 0, i64 %"$phi214.0.2.0"
  %2 = and i64 %.20, 1
  %.785.not = icmp eq i64 %2, 0
  %.789 = select i1 %.785.not, i64 0, i64 %"$phi242.0.2.0"
  %3 = shl i64 %.192, 3
  %invariant.op = sub i64 %.33.i41, %3
  %.46.i = add i64 %.43.i, 128
  %.226.reass = add i64 %.46.i, %invariant.op
  br label %B736.if
B848:                                             ; preds = %B736.if
  %4 = and i64 %arg.control, 128
  %5 = icmp eq i64 %4, 0
  %.514 = mul nsw i64 %.475, %.192
  %.516 = add i64 %.226.reass, %.472
  %.518 = add i64 %.516, %.514
  %.523 = add i64 %.521, %address.2.0292
  br i1 %5, label %B948, label %B906
B906:                                             ; preds = %B848
  %6 = inttoptr i64 %.235 to ptr
  %.23.i = load i64, ptr %6, align 1
  %sunkaddr = inttoptr i64 %.235 to ptr
  %sunkaddr55 = getelementptr i8, ptr %sunkaddr, i64 8
  %.26.i = load i64, ptr %sunkaddr55, align 1
  %sunkaddr56 = inttoptr i64 %.235 to ptr
  %sunkaddr57 = getelementptr i8, ptr %sunkaddr56, i64 16
  %.35.i = load i64, ptr %sunkaddr57, align 1
  %sunkaddr58 = inttoptr i64 %.235 to ptr
  %sunkaddr59 = getelementptr i8, ptr %sunkaddr58, i64 24
  %.38.i = load i64, ptr %sunkaddr59, align 1
  %sunkaddr60 = inttoptr i64 %.235 to ptr
  %sunkaddr61 = getelementptr i8, ptr %sunkaddr60, i64 32
  %.41.i = load i64, ptr %sunkaddr61, align 1
  br label %B208.if.i
B438.i:                                           ; preds = %B208.if.i
  %.221.i = inttoptr i64 %target.2.080.i to ptr
  %.222.i = load i64, ptr %.221.i, align 1
  %.224.i = xor i64 %.222.i, %.209.i
  %.229.i = or i64 %.191.i, %.178.i
  %.234.i = and i64 %.224.i, %.229.i
  %.235.i = xor i64 %.234.i, %.222.i
  br label %B496.i
B496.i:                                           ; preds = %B208.if.i, %B438.i
  %color.2.1.i = phi i64 [ %.235.i, %B438.i ], [ %.209.i, %B208.if.i ]
  %.247.i = inttoptr i64 %target.2.080.i to ptr
  store i64 %color.2.1.i, ptr %.247.i, align 1
  %.253.i = add nsw i64 %target.2.080.i, %.192
  %.258.i = add nsw i64 %tile.2.081.i, %"$phi612.0.2.sroa.8.0"
  tail call void asm sideeffect "", "~{memory}"() #0
  %lsr.iv.next = add nsw i64 %lsr.iv, -1
  %.132.i = icmp samesign ugt i64 %lsr.iv.next, 2
  br i1 %.132.i, label %B208.if.i, label %B988
B208.if.i:                                        ; preds = %B496.i, %B906
  %lsr.iv = phi i64 [ %lsr.iv.next, %B496.i ], [ 10, %B906 ]
  %tile.2.081.i = phi i64 [ %.523, %B906 ], [ %.258.i, %B496.i ]
  %target.2.080.i = phi i64 [ %.518, %B906 ], [ %.253.i, %B496.i ]
  %7 = icmp eq i64 %.41.i, 0
  %.171.i = inttoptr i64 %tile.2.081.i to ptr
  %.172.i = load i8, ptr %.171.i, align 1
  %.173.i = zext i8 %.172.i to i64
  %.174.i = shl nuw nsw i64 %.173.i, 3
  %.176.i = add nsw i64 %.174.i, %.256
  %.177.i = inttoptr i64 %.176.i to ptr
  %.178.i = load i64, ptr %.177.i, align 1
  %8 = add i64 %tile.2.081.i, 8
  %.184.i = inttoptr i64 %8 to ptr
  %.185.i = load i8, ptr %.184.i, align 1
  %.186.i = zext i8 %.185.i to i64
  %.187.i = shl nuw nsw i64 %.186.i, 3
  %.189.i = add nsw i64 %.187.i, %.256
  %.190.i = inttoptr i64 %.189.i to ptr
  %.191.i = load i64, ptr %.190.i, align 1
  %.197.i = and i64 %.178.i, %.26.i
  %.199.i = xor i64 %.197.i, %.23.i
  %.202.i = and i64 %.191.i, %.35.i
  %.203.i = xor i64 %.199.i, %.202.i
  %9 = and i64 %.178.i, %.38.i
  %.208.i = and i64 %9, %.191.i
  %.209.i = xor i64 %.203.i, %.208.i
  br i1 %7, label %B438.i, label %B496.i
B948:                                             ; preds = %B848
  store ptr null, ptr %.577, align 8
  %.581 = call i32 @draw_rows_1(ptr nonnull %.577, ptr nonnull %excinfo.6, i64 %.518, i64 %.192, i64 %.523, i64 %"$phi612.0.2.sroa.8.0", i64 %.256, i64 %.235)
  switch i32 %.581, label %B948.if [
    i32 -2, label %B988
    i32 0, label %B988
  ]
B988:                                             ; preds = %B496.i, %B948, %B948
  %.607 = add nsw i64 %.472, -8
  %.11.i7 = tail call i64 @llvm.smin.i64(i64 %.607, i64 %left.2.0295)
  %.11.i45 = tail call i64 @llvm.smax.i64(i64 %.472, i64 %right.2.0297)
  %.678 = add nsw i64 %.475, -8
  %.11.i46 = tail call i64 @llvm.smin.i64(i64 %.678, i64 %top.2.0296)
  %.11.i47 = tail call i64 @llvm.smax.i64(i64 %.475, i64 %bottom.2.0298)
  br label %B1128
B1128:                                            ; preds = %B988, %B736.if
  %left.3.1 = phi i64 [ %left.2.0295, %B736.if ], [ %.11.i7, %B988 ]
  %top.3.1 = phi i64 [ %top.2.0296, %B736.if ], [ %.11.i46, %B988 ]
  %right.3.1 = phi i64 [ %right.2.0297, %B736.if ], [ %.11.i45, %B988 ]
  %bottom.3.1 = phi i64 [ %bottom.2.0298, %B736.if ], [ %.11.i47, %B988 ]
  %spec.select = add nsw i64 %x.2.0294, %.771
  %y.3.1 = add nsw i64 %y.2.0293, %.789
  %.827 = add nuw nsw i64 %address.2.0292, %step_address.2.0
  %.828 = and i64 %.827, 65535
  tail call void asm sideeffect "", "~{memory}"() #0
  %.416 = icmp sgt i64 %.415277291, 1
  br i1 %.416, label %B736.if, label %B1234
B1234:                                            ; preds = %B1128
  %10 = and i64 %.20, 1
  %11 = icmp eq i64 %10, 0
  %.9.i = add nsw i64 %arg.screen, 16
  %.11.i8 = inttoptr i64 %.9.i to ptr
  %.12.i9 = load i64, ptr %.11.i8, align 1
  %.11.i.i = tail call i64 @llvm.smin.i64(i64 %left.3.1, i64 %.12.i9)
  store i64 %.11.i.i, ptr %.11.i8, align 1
  %.45.i = add nsw i64 %arg.screen, 24
  %.47.i = inttoptr i64 %.45.i to ptr
  %.48.i = load i64, ptr %.47.i, align 1
  %.11.i1.i = tail call i64 @llvm.smin.i64(i64 %top.3.1, i64 %.48.i)
  store i64 %.11.i1.i, ptr %.47.i, align 1
  %.79.i = add nsw i64 %arg.screen, 32
  %.81.i = inttoptr i64 %.79.i to ptr
  %.82.i = load i64, ptr %.81.i, align 1
  %.11.i2.i = tail call i64 @llvm.smax.i64(i64 %right.3.1, i64 %.82.i)
  store i64 %.11.i2.i, ptr %.81.i, align 1
  %.113.i = add nsw i64 %arg.screen, 40
  %.115.i = inttoptr i64 %.113.i to ptr
  %.116.i = load i64, ptr %.115.i, align 1
  %.11.i3.i = tail call i64 @llvm.smax.i64(i64 %bottom.3.1, i64 %.116.i)
  store i64 %.11.i3.i, ptr %.115.i, align 1
  %.6.i48 = lshr i64 %.827, 8
  %.8.i50 = trunc i64 %.6.i48 to i8
  %sunkaddr62 = inttoptr i64 %arg.page to ptr
  %sunkaddr63 = getelementptr i8, ptr %sunkaddr62, i64 44
  store i8 %.8.i50, ptr %sunkaddr63, align 1
  %.12.i53 = trunc i64 %.827 to i8
  %sunkaddr64 = inttoptr i64 %arg.page to ptr
  %sunkaddr65 = getelementptr i8, ptr %sunkaddr64, i64 45
  store i8 %.12.i53, ptr %sunkaddr65, align 1
  br i1 %11, label %B1394, label %B1340
B1340:                                            ; preds = %B1234
  %.942 = add nsw i64 %.14.i, %"$phi214.0.2.0"
  %.6.i10 = lshr i64 %.942, 8
  %.8.i12 = trunc i64 %.6.i10 to i8
  %sunkaddr66 = inttoptr i64 %arg.page to ptr
  %sunkaddr67 = getelementptr i8, ptr %sunkaddr66, i64 40
  store i8 %.8.i12, ptr %sunkaddr67, align 1
  %.12.i15 = trunc i64 %.942 to i8
  %sunkaddr68 = inttoptr i64 %arg.page to ptr
  %sunkaddr69 = getelementptr i8, ptr %sunkaddr68, i64 41
  store i8 %.12.i15, ptr %sunkaddr69, align 1
  br label %B1394
B1394:                                            ; preds = %B1340, %B1234
  %12 = and i64 %.20, 2
  %13 = icmp eq i64 %12, 0
  br i1 %13, label %B1468, label %B1414
B1414:                                            ; preds = %B1394
  %.989 = add nsw i64 %.14.i30, %"$phi242.0.2.0"
  %.6.i16 = lshr i64 %.989, 8
  %.8.i18 = trunc i64 %.6.i16 to i8
  %sunkaddr70 = inttoptr i64 %arg.page to ptr
  %sunkaddr71 = getelementptr i8, ptr %sunkaddr70, i64 42
  store i8 %.8.i18, ptr %sunkaddr71, align 1
  %.12.i21 = trunc i64 %.989 to i8
  %sunkaddr72 = inttoptr i64 %arg.page to ptr
  %sunkaddr73 = getelementptr i8, ptr %sunkaddr72, i64 43
  store i8 %.12.i21, ptr %sunkaddr73, align 1
  br label %B1468
common.ret:                                       ; preds = %B948.if, %B1468
  %common.ret.op = phi i32 [ 0, %B1468 ], [ %.581, %B948.if ]
  ret i32 %common.ret.op
B1468:                                            ; preds = %B1414, %B1394
  store i64 0, ptr %retptr, align 8
  br label %common.ret
B736.if:                                          ; preds = %entry, %B1128
  %bottom.2.0298 = phi i64 [ -1048576, %entry ], [ %bottom.3.1, %B1128 ]
  %right.2.0297 = phi i64 [ -1048576, %entry ], [ %right.3.1, %B1128 ]
  %top.2.0296 = phi i64 [ 1048576, %entry ], [ %top.3.1, %B1128 ]
  %left.2.0295 = phi i64 [ 1048576, %entry ], [ %left.3.1, %B1128 ]
  %x.2.0294 = phi i64 [ %.14.i, %entry ], [ %spec.select, %B1128 ]
  %y.2.0293 = phi i64 [ %.14.i30, %entry ], [ %y.3.1, %B1128 ]
  %address.2.0292 = phi i64 [ %.14.i39, %entry ], [ %.828, %B1128 ]
  %.415277291 = phi i64 [ %.336, %entry ], [ %.425, %B1128 ]
  %.425 = add nsw i64 %.415277291, -1
  %.471 = add nsw i64 %x.2.0294, 8
  %.472 = and i64 %.471, 65535
  %.474 = add nsw i64 %y.2.0293, 8
  %.475 = and i64 %.474, 65535
  %.485 = icmp slt i64 %.472, %.483
  %.502 = icmp slt i64 %.475, %.500
  %or.cond = select i1 %.485, i1 %.502, i1 false
  br i1 %or.cond, label %B848, label %B1128
B948.if:                                          ; preds = %B948
  store ptr null, ptr %excinfo, align 8
  br label %common.ret
}
define internal noundef i32 @draw_rows_1(ptr noalias writeonly captures(none) initializes((0, 8)) %retptr, ptr noalias readnone captures(none) %excinfo, i64 %arg.target, i64 %arg.stride, i64 %arg.tile, i64 %arg.step, i64 %arg.table, i64 %arg.blend) local_unnamed_addr #0 {
entry:
  %.22 = inttoptr i64 %arg.blend to ptr
  %.23 = load i64, ptr %.22, align 1
  %.24 = add nsw i64 %arg.blend, 8
  %.25 = inttoptr i64 %.24 to ptr
  %.26 = load i64, ptr %.25, align 1
  %.33 = add nsw i64 %arg.blend, 32
  %.34 = inttoptr i64 %.33 to ptr
  %.35 = load i64, ptr %.34, align 1
  %.183 = icmp eq i64 %.35, 0
  %.159 = inttoptr i64 %arg.tile to ptr
  %.160 = load i8, ptr %.159, align 1
  %.161 = zext i8 %.160 to i64
  %.162 = shl nuw nsw i64 %.161, 3
  %.164 = add nsw i64 %.162, %arg.table
  %.165 = inttoptr i64 %.164 to ptr
  %.166 = load i64, ptr %.165, align 1
  %.172 = and i64 %.166, %.26
  %.174 = xor i64 %.172, %.23
  br i1 %.183, label %B262, label %B314
B262:                                             ; preds = %entry
  %.186 = inttoptr i64 %arg.target to ptr
  %.187 = load i64, ptr %.186, align 1
  %.189 = xor i64 %.187, %.174
  %.193 = and i64 %.189, %.166
  %.196 = xor i64 %.193, %.187
  br label %B314
B314:                                             ; preds = %B262, %entry
  %color.2.1 = phi i64 [ %.196, %B262 ], [ %.174, %entry ]
  %0 = icmp eq i64 %.35, 0
  %.206 = inttoptr i64 %arg.target to ptr
  store i64 %color.2.1, ptr %.206, align 1
  %.212 = add nsw i64 %arg.stride, %arg.target
  %.217 = add nsw i64 %arg.step, %arg.tile
  tail call void asm sideeffect "", "~{memory}"() #0
  %.159.1 = inttoptr i64 %.217 to ptr
  %.160.1 = load i8, ptr %.159.1, align 1
  %.161.1 = zext i8 %.160.1 to i64
  %.162.1 = shl nuw nsw i64 %.161.1, 3
  %.164.1 = add nsw i64 %.162.1, %arg.table
  %.165.1 = inttoptr i64 %.164.1 to ptr
  %.166.1 = load i64, ptr %.165.1, align 1
  %.172.1 = and i64 %.166.1, %.26
  %.174.1 = xor i64 %.172.1, %.23
  br i1 %0, label %B262.1, label %B314.1
B262.1:                                           ; preds = %B314
  %.186.1 = inttoptr i64 %.212 to ptr
  %.187.1 = load i64, ptr %.186.1, align 1
  %.189.1 = xor i64 %.187.1, %.174.1
  %.193.1 = and i64 %.189.1, %.166.1
  %.196.1 = xor i64 %.193.1, %.187.1
  br label %B314.1
B314.1:                                           ; preds = %B262.1, %B314
  %color.2.1.1 = phi i64 [ %.196.1, %B262.1 ], [ %.174.1, %B314 ]
  %1 = icmp eq i64 %.35, 0
  %.206.1 = inttoptr i64 %.212 to ptr
  store i64 %color.2.1.1, ptr %.206.1, align 1
  %.212.1 = add nsw i64 %.212, %arg.stride
  %.217.1 = add nsw i64 %.217, %arg.step
  tail call void asm sideeffect "", "~{memory}"() #0
  %.159.2 = inttoptr i64 %.217.1 to ptr
  %.160.2 = load i8, ptr %.159.2, align 1
  %.161.2 = zext i8 %.160.2 to i64
  %.162.2 = shl nuw nsw i64 %.161.2, 3
  %.164.2 = add nsw i64 %.162.2, %arg.table
  %.165.2 = inttoptr i64 %.164.2 to ptr
  %.166.2 = load i64, ptr %.165.2, align 1
  %.172.2 = and i64 %.166.2, %.26
  %.174.2 = xor i64 %.172.2, %.23
  br i1 %1, label %B262.2, label %B314.2
B262.2:                                           ; preds = %B314.1
  %.186.2 = inttoptr i64 %.212.1 to ptr
  %.187.2 = load i64, ptr %.186.2, align 1
  %.189.2 = xor i64 %.187.2, %.174.2
  %.193.2 = and i64 %.189.2, %.166.2
  %.196.2 = xor i64 %.193.2, %.187.2
  br label %B314.2
B314.2:                                           ; preds = %B262.2, %B314.1
  %color.2.1.2 = phi i64 [ %.196.2, %B262.2 ], [ %.174.2, %B314.1 ]
  %2 = icmp eq i64 %.35, 0
  %.206.2 = inttoptr i64 %.212.1 to ptr
  store i64 %color.2.1.2, ptr %.206.2, align 1
  %.212.2 = add nsw i64 %.212.1, %arg.stride
  %.217.2 = add nsw i64 %.217.1, %arg.step
  tail call void asm sideeffect "", "~{memory}"() #0
  %.159.3 = inttoptr i64 %.217.2 to ptr
  %.160.3 = load i8, ptr %.159.3, align 1
  %.161.3 = zext i8 %.160.3 to i64
  %.162.3 = shl nuw nsw i64 %.161.3, 3
  %.164.3 = add nsw i64 %.162.3, %arg.table
  %.165.3 = inttoptr i64 %.164.3 to ptr
  %.166.3 = load i64, ptr %.165.3, align 1
  %.172.3 = and i64 %.166.3, %.26
  %.174.3 = xor i64 %.172.3, %.23
  br i1 %2, label %B262.3, label %B314.3
B262.3:                                           ; preds = %B314.2
  %.186.3 = inttoptr i64 %.212.2 to ptr
  %.187.3 = load i64, ptr %.186.3, align 1
  %.189.3 = xor i64 %.187.3, %.174.3
  %.193.3 = and i64 %.189.3, %.166.3
  %.196.3 = xor i64 %.193.3, %.187.3
  br label %B314.3
B314.3:                                           ; preds = %B262.3, %B314.2
  %color.2.1.3 = phi i64 [ %.196.3, %B262.3 ], [ %.174.3, %B314.2 ]
  %3 = icmp eq i64 %.35, 0
  %.206.3 = inttoptr i64 %.212.2 to ptr
  store i64 %color.2.1.3, ptr %.206.3, align 1
  %.212.3 = add nsw i64 %.212.2, %arg.stride
  %.217.3 = add nsw i64 %.217.2, %arg.step
  tail call void asm sideeffect "", "~{memory}"() #0
  %.159.4 = inttoptr i64 %.217.3 to ptr
  %.160.4 = load i8, ptr %.159.4, align 1
  %.161.4 = zext i8 %.160.4 to i64
  %.162.4 = shl nuw nsw i64 %.161.4, 3
  %.164.4 = add nsw i64 %.162.4, %arg.table
  %.165.4 = inttoptr i64 %.164.4 to ptr
  %.166.4 = load i64, ptr %.165.4, align 1
  %.172.4 = and i64 %.166.4, %.26
  %.174.4 = xor i64 %.172.4, %.23
  br i1 %3, label %B262.4, label %B314.4
B262.4:                                           ; preds = %B314.3
  %.186.4 = inttoptr i64 %.212.3 to ptr
  %.187.4 = load i64, ptr %.186.4, align 1
  %.189.4 = xor i64 %.187.4, %.174.4
  %.193.4 = and i64 %.189.4, %.166.4
  %.196.4 = xor i64 %.193.4, %.187.4
  br label %B314.4
B314.4:                                           ; preds = %B262.4, %B314.3
  %color.2.1.4 = phi i64 [ %.196.4, %B262.4 ], [ %.174.4, %B314.3 ]
  %4 = icmp eq i64 %.35, 0
  %.206.4 = inttoptr i64 %.212.3 to ptr
  store i64 %color.2.1.4, ptr %.206.4, align 1
  %.212.4 = add nsw i64 %.212.3, %arg.stride
  %.217.4 = add nsw i64 %.217.3, %arg.step
  tail call void asm sideeffect "", "~{memory}"() #0
  %.159.5 = inttoptr i64 %.217.4 to ptr
  %.160.5 = load i8, ptr %.159.5, align 1
  %.161.5 = zext i8 %.160.5 to i64
  %.162.5 = shl nuw nsw i64 %.161.5, 3
  %.164.5 = add nsw i64 %.162.5, %arg.table
  %.165.5 = inttoptr i64 %.164.5 to ptr
  %.166.5 = load i64, ptr %.165.5, align 1
  %.172.5 = and i64 %.166.5, %.26
  %.174.5 = xor i64 %.172.5, %.23
  br i1 %4, label %B262.5, label %B314.5
B262.5:                                           ; preds = %B314.4
  %.186.5 = inttoptr i64 %.212.4 to ptr
  %.187.5 = load i64, ptr %.186.5, align 1
  %.189.5 = xor i64 %.187.5, %.174.5
  %.193.5 = and i64 %.189.5, %.166.5
  %.196.5 = xor i64 %.193.5, %.187.5
  br label %B314.5
B314.5:                                           ; preds = %B262.5, %B314.4
  %color.2.1.5 = phi i64 [ %.196.5, %B262.5 ], [ %.174.5, %B314.4 ]
  %5 = icmp eq i64 %.35, 0
  %.206.5 = inttoptr i64 %.212.4 to ptr
  store i64 %color.2.1.5, ptr %.206.5, align 1
  %.212.5 = add nsw i64 %.212.4, %arg.stride
  %.217.5 = add nsw i64 %.217.4, %arg.step
  tail call void asm sideeffect "", "~{memory}"() #0
  %.159.6 = inttoptr i64 %.217.5 to ptr
  %.160.6 = load i8, ptr %.159.6, align 1
  %.161.6 = zext i8 %.160.6 to i64
  %.162.6 = shl nuw nsw i64 %.161.6, 3
  %.164.6 = add nsw i64 %.162.6, %arg.table
  %.165.6 = inttoptr i64 %.164.6 to ptr
  %.166.6 = load i64, ptr %.165.6, align 1
  %.172.6 = and i64 %.166.6, %.26
  %.174.6 = xor i64 %.172.6, %.23
  br i1 %5, label %B262.6, label %B314.6
B262.6:                                           ; preds = %B314.5
  %.186.6 = inttoptr i64 %.212.5 to ptr
  %.187.6 = load i64, ptr %.186.6, align 1
  %.189.6 = xor i64 %.187.6, %.174.6
  %.193.6 = and i64 %.189.6, %.166.6
  %.196.6 = xor i64 %.193.6, %.187.6
  br label %B314.6
B314.6:                                           ; preds = %B262.6, %B314.5
  %color.2.1.6 = phi i64 [ %.196.6, %B262.6 ], [ %.174.6, %B314.5 ]
  %6 = icmp eq i64 %.35, 0
  %.206.6 = inttoptr i64 %.212.5 to ptr
  store i64 %color.2.1.6, ptr %.206.6, align 1
  %.217.6 = add nsw i64 %.217.5, %arg.step
  tail call void asm sideeffect "", "~{memory}"() #0
  %.159.7 = inttoptr i64 %.217.6 to ptr
  %.160.7 = load i8, ptr %.159.7, align 1
  %.161.7 = zext i8 %.160.7 to i64
  %.162.7 = shl nuw nsw i64 %.161.7, 3
  %.164.7 = add nsw i64 %.162.7, %arg.table
  %.165.7 = inttoptr i64 %.164.7 to ptr
  %.166.7 = load i64, ptr %.165.7, align 1
  %.172.7 = and i64 %.166.7, %.26
  %.174.7 = xor i64 %.172.7, %.23
  br i1 %6, label %B262.7, label %B314.7
B262.7:                                           ; preds = %B314.6
  %7 = inttoptr i64 %.212.5 to ptr
  %sunkaddr1 = getelementptr i8, ptr %7, i64 %arg.stride
  %.187.7 = load i64, ptr %sunkaddr1, align 1
  %.189.7 = xor i64 %.187.7, %.174.7
  %.193.7 = and i64 %.189.7, %.166.7
  %.196.7 = xor i64 %.193.7, %.187.7
  br label %B314.7
B314.7:                                           ; preds = %B262.7, %B314.6
  %color.2.1.7 = phi i64 [ %.196.7, %B262.7 ], [ %.174.7, %B314.6 ]
  %8 = inttoptr i64 %.212.5 to ptr
  %sunkaddr3 = getelementptr i8, ptr %8, i64 %arg.stride
  store i64 %color.2.1.7, ptr %sunkaddr3, align 1
  tail call void asm sideeffect "", "~{memory}"() #0
  store ptr null, ptr %retptr, align 8
  ret i32 0
}
declare i64 @llvm.smin.i64(i64, i64) #1
declare i64 @llvm.smax.i64(i64, i64) #1
attributes #0 = { nounwind }
attributes #1 = { mustprogress nocallback nocreateundeforpoison nofree nosync nounwind speculatable willreturn memory(none) }

define internal i64 @kernel(i64 %a, i64 %b, i64 %c, i64 %d) {
  %result = alloca i64
  %status = call i32 @sprite(ptr %result, ptr null, i64 %a, i64 %b, i64 %c, i64 %d)
  %value = load i64, ptr %result
  ret i64 %value
}
