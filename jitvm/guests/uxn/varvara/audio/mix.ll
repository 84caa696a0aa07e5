; numba 0.68.1, llvmlite 0.50.0, Python 3.11
; 59834536718980ce54ccbdf5af4680fb98bd292a11108dec55af4b6110b98cc4
define internal noundef i32 @mix(ptr noalias writeonly captures(none) %retptr, ptr noalias writeonly captures(none) %excinfo, i64 %arg.memory, i64 %arg.cells, i64 %arg.out, i64 %arg.frames) local_unnamed_addr #0 {
entry:
  %.147 = alloca ptr, align 8
  store ptr null, ptr %.147, align 8
  %excinfo.1 = alloca ptr, align 8
  store ptr null, ptr %excinfo.1, align 8
  %.138 = inttoptr i64 %arg.cells to ptr
  %.139 = load i64, ptr %.138, align 1
  %.140.not = icmp eq i64 %.139, 0
  br i1 %.140.not, label %B130, label %B94
B94:                                              ; preds = %entry
  store ptr null, ptr %.147, align 8
  %.151 = call i32 @mix_voice(ptr nonnull %.147, ptr nonnull %excinfo.1, i64 %arg.memory, i64 %arg.cells, i64 %arg.out, i64 %arg.frames)
  switch i32 %.151, label %B94.if [
    i32 -2, label %B130
    i32 0, label %B130
  ]
B130:                                             ; preds = %B94, %B94, %entry
  %.173 = add nsw i64 %arg.cells, 272
  tail call void asm sideeffect "", "~{memory}"() #0
  %.138.1 = inttoptr i64 %.173 to ptr
  %.139.1 = load i64, ptr %.138.1, align 1
  %.140.not.1 = icmp eq i64 %.139.1, 0
  br i1 %.140.not.1, label %B130.1, label %B94.1
B94.1:                                            ; preds = %B130
  store ptr null, ptr %.147, align 8
  %.151.1 = call i32 @mix_voice(ptr nonnull %.147, ptr nonnull %excinfo.1, i64 %arg.memory, i64 %.173, i64 %arg.out, i64 %arg.frames)
  switch i32 %.151.1, label %B94.if [
    i32 -2, label %B130.1
    i32 0, label %B130.1
  ]
B130.1:                                           ; preds = %B94.1, %B94.1, %B130
  %.173.1 = add nsw i64 %arg.cells, 544
  tail call void asm sideeffect "", "~{memory}"() #0
  %.138.2 = inttoptr i64 %.173.1 to ptr
  %.139.2 = load i64, ptr %.138.2, align 1
  %.140.not.2 = icmp eq i64 %.139.2, 0
  br i1 %.140.not.2, label %B130.2, label %B94.2
B94.2:                                            ; preds = %B130.1
  store ptr null, ptr %.147, align 8
  %.151.2 = call i32 @mix_voice(ptr nonnull %.147, ptr nonnull %excinfo.1, i64 %arg.memory, i64 %.173.1, i64 %arg.out, i64 %arg.frames)
  switch i32 %.151.2, label %B94.if [
    i32 -2, label %B130.2
    i32 0, label %B130.2
  ]
B130.2:                                           ; preds = %B94.2, %B94.2, %B130.1
  %.173.2 = add nsw i64 %arg.cells, 816
  tail call void asm sideeffect "", "~{memory}"() #0
  %.138.3 = inttoptr i64 %.173.2 to ptr
  %.139.3 = load i64, ptr %.138.3, align 1
  %.140.not.3 = icmp eq i64 %.139.3, 0
  br i1 %.140.not.3, label %B130.3, label %B94.3
B94.3:                                            ; preds = %B130.2
  store ptr null, ptr %.147, align 8
  %.151.3 = call i32 @mix_voice(ptr nonnull %.147, ptr nonnull %excinfo.1, i64 %arg.memory, i64 %.173.2, i64 %arg.out, i64 %arg.frames)
  switch i32 %.151.3, label %B94.if [
    i32 -2, label %B130.3
    i32 0, label %B130.3
  ]
B130.3:                                           ; preds = %B94.3, %B94.3, %B130.2
  tail call void asm sideeffect "", "~{memory}"() #0
  store i64 0, ptr %retptr, align 8
  br label %common.ret
common.ret:                                       ; preds = %B94.if, %B130.3
  %common.ret.op = phi i32 [ 0, %B130.3 ], [ %.151.lcssa, %B94.if ]
  ret i32 %common.ret.op
B94.if:                                           ; preds = %B94.3, %B94.2, %B94.1, %B94
  %.151.lcssa = phi i32 [ %.151, %B94 ], [ %.151.1, %B94.1 ], [ %.151.2, %B94.2 ], [ %.151.3, %B94.3 ]
  store ptr null, ptr %excinfo, align 8
  br label %common.ret
}
define internal noundef i32 @mix_voice(ptr noalias writeonly captures(none) %retptr, ptr noalias readnone captures(none) %excinfo, i64 %arg.memory, i64 %arg.voice, i64 %arg.out, i64 %arg.frames) local_unnamed_addr #0 {
entry:
  %.15 = add nsw i64 %arg.voice, 8
  %.16 = inttoptr i64 %.15 to ptr
  %.17 = load i64, ptr %.16, align 1
  %.18 = add nsw i64 %.17, %arg.memory
  %.20 = add nsw i64 %arg.voice, 16
  %.21 = inttoptr i64 %.20 to ptr
  %.22 = load i64, ptr %.21, align 1
  %.34 = add nsw i64 %arg.voice, 48
  %.35 = inttoptr i64 %.34 to ptr
  %.36 = load i64, ptr %.35, align 1
  %.44 = add nsw i64 %arg.voice, 32
  %.45 = inttoptr i64 %.44 to ptr
  %.46 = load i64, ptr %.45, align 1
  %.48 = add nsw i64 %arg.voice, 40
  %.49 = inttoptr i64 %.48 to ptr
  %.50 = load i64, ptr %.49, align 1
  %.58 = add nsw i64 %arg.voice, 56
  %.59 = inttoptr i64 %.58 to ptr
  %.60 = load i64, ptr %.59, align 1
  %.62 = add nsw i64 %arg.voice, 64
  %.63 = inttoptr i64 %.62 to ptr
  %.64 = load i64, ptr %.63, align 1
  %.72 = add nsw i64 %arg.voice, 96
  %.73 = inttoptr i64 %.72 to ptr
  %.74 = load i64, ptr %.73, align 1
  %.76 = add nsw i64 %arg.voice, 88
  %.77 = inttoptr i64 %.76 to ptr
  %.78 = load i64, ptr %.77, align 1
  %.94 = add nsw i64 %arg.voice, 80
  %.95 = inttoptr i64 %.94 to ptr
  %.96 = load i64, ptr %.95, align 1
  %.115 = add nsw i64 %arg.voice, 112
  %.120 = add nsw i64 %arg.voice, 72
  %.121 = inttoptr i64 %.120 to ptr
  %.122 = load i64, ptr %.121, align 1
  %.123 = mul nsw i64 %.122, 40
  %.125 = add nsw i64 %.123, %.115
  %.138 = icmp sgt i64 %.122, 0
  br i1 %.138, label %B636.preheader, label %B1608
B636.preheader:                                   ; preds = %entry
  %.30 = add nsw i64 %arg.voice, 24
  %.31 = inttoptr i64 %.30 to ptr
  %.32 = load i64, ptr %.31, align 1
  br label %B636
B636:                                             ; preds = %B1542, %B636.preheader
  %out.3.1 = phi i64 [ %out.4.3, %B1542 ], [ %arg.out, %B636.preheader ]
  %position.5.1 = phi i64 [ %position.6.3, %B1542 ], [ %.78, %B636.preheader ]
  %count.5.1 = phi i64 [ %count.6.3, %B1542 ], [ %.74, %B636.preheader ]
  %at_frame.2.1 = phi i64 [ %at_frame.3.3, %B1542 ], [ 0, %B636.preheader ]
  %age.2.1 = phi i64 [ %age.3.3, %B1542 ], [ %.96, %B636.preheader ]
  %ramp.2.1 = phi i64 [ %.722, %B1542 ], [ %.115, %B636.preheader ]
  %.276 = inttoptr i64 %ramp.2.1 to ptr
  %.277 = load i64, ptr %.276, align 1
  %.303 = add nsw i64 %ramp.2.1, 32
  %.304 = inttoptr i64 %.303 to ptr
  %.305 = load i64, ptr %.304, align 1
  %.314 = sub i64 %at_frame.2.1, %age.2.1
  %.316 = add i64 %.314, %.277
  %.11.i = tail call i64 @llvm.smin.i64(i64 %.316, i64 %arg.frames)
  %.355 = icmp slt i64 %at_frame.2.1, %.11.i
  br i1 %.355, label %B926.preheader, label %B1542
B926.preheader:                                   ; preds = %B636
  %.298 = add nsw i64 %ramp.2.1, 24
  %.299 = inttoptr i64 %.298 to ptr
  %.300 = load i64, ptr %.299, align 1
  %.287 = add nsw i64 %ramp.2.1, 16
  %.288 = inttoptr i64 %.287 to ptr
  %.289 = load i64, ptr %.288, align 1
  %.282 = add nsw i64 %ramp.2.1, 8
  %.283 = inttoptr i64 %.282 to ptr
  %.284 = load i64, ptr %.283, align 1
  %0 = mul i64 %.300, %age.2.1
  %1 = add i64 %.289, %0
  %2 = mul i64 %.284, %1
  %3 = mul i64 %.284, %.300
  %4 = add i64 %age.2.1, %.11.i
  %5 = sub i64 %4, %at_frame.2.1
  br label %B926
B926:                                             ; preds = %B1470, %B926.preheader
  %lsr.iv = phi i64 [ %2, %B926.preheader ], [ %lsr.iv.next, %B1470 ]
  %out.2.1 = phi i64 [ %out.3.1, %B926.preheader ], [ %.658, %B1470 ]
  %position.4.1 = phi i64 [ %position.5.1, %B926.preheader ], [ %position.8.2, %B1470 ]
  %count.4.1 = phi i64 [ %count.5.1, %B926.preheader ], [ %count.7.2, %B1470 ]
  %at_frame.4.1 = phi i64 [ %at_frame.2.1, %B926.preheader ], [ %.664, %B1470 ]
  %age.4.1 = phi i64 [ %age.2.1, %B926.preheader ], [ %.670, %B1470 ]
  %.376 = add nsw i64 %position.4.1, %.46
  %.388 = add nsw i64 %count.4.1, %.50
  %.400.not = icmp sge i64 %.388, %.36
  %.410 = zext i1 %.400.not to i64
  %position.7.2 = add nsw i64 %.376, %.410
  %.404 = select i1 %.400.not, i64 %.36, i64 0
  %count.7.2 = sub nsw i64 %.388, %.404
  %.426.not = icmp slt i64 %position.7.2, %.22
  br i1 %.426.not, label %B1034, label %B990
B990:                                             ; preds = %B926
  %6 = icmp eq i64 %.32, 0
  br i1 %6, label %B1542, label %B1002
B1002:                                            ; preds = %B990
  %.475 = urem i64 %position.7.2, %.22
  br label %B1034
B1034:                                            ; preds = %B1002, %B926
  %position.8.2 = phi i64 [ %.475, %B1002 ], [ %position.7.2, %B926 ]
  %.491 = udiv i64 %lsr.iv, %.305
  %.494 = add nsw i64 %.18, %position.8.2
  %.495 = inttoptr i64 %.494 to ptr
  %.496 = load i8, ptr %.495, align 1
  %.497 = zext i8 %.496 to i64
  %.498 = add nsw i64 %.497, -128
  %.499 = mul nsw i64 %.498, %.491
  %.504 = icmp sgt i64 %.499, -1
  br i1 %.504, label %B1144, label %B1304
B1144:                                            ; preds = %B1034
  %.509 = mul nsw i64 %.499, %.60
  %.510 = udiv i64 %.509, 384
  %.6.i = inttoptr i64 %out.2.1 to ptr
  %.7.i = load i16, ptr %.6.i, align 1
  %7 = trunc i64 %.510 to i16
  %.11.i20 = add i16 %.7.i, %7
  store i16 %.11.i20, ptr %.6.i, align 1
  %8 = add i64 %out.2.1, 2
  %.541 = mul nsw i64 %.499, %.64
  %.544 = udiv i64 %.541, 384
  %.6.i24 = inttoptr i64 %8 to ptr
  %.7.i25 = load i16, ptr %.6.i24, align 1
  %9 = trunc i64 %.544 to i16
  %.11.i26 = add i16 %.7.i25, %9
  store i16 %.11.i26, ptr %.6.i24, align 1
  br label %B1470
B1304:                                            ; preds = %B1034
  %.572 = sub i64 0, %.499
  %.574 = mul nsw i64 %.60, %.572
  %.575 = udiv i64 %.574, 384
  %.6.i21 = inttoptr i64 %out.2.1 to ptr
  %.7.i22 = load i16, ptr %.6.i21, align 1
  %10 = trunc i64 %.575 to i16
  %.11.i23 = sub i16 %.7.i22, %10
  store i16 %.11.i23, ptr %.6.i21, align 1
  %11 = add i64 %out.2.1, 2
  %.610 = mul nsw i64 %.64, %.572
  %.611 = udiv i64 %.610, 384
  %.6.i27 = inttoptr i64 %11 to ptr
  %.7.i28 = load i16, ptr %.6.i27, align 1
  %12 = trunc i64 %.611 to i16
  %.11.i29 = sub i16 %.7.i28, %12
  store i16 %.11.i29, ptr %.6.i27, align 1
  br label %B1470
B1470:                                            ; preds = %B1304, %B1144
  %.658 = add i64 %out.2.1, 4
  %.664 = add i64 %at_frame.4.1, 1
  %.670 = add i64 %age.4.1, 1
  tail call void asm sideeffect "", "~{memory}"() #0
  %lsr.iv.next = add i64 %lsr.iv, %3
  %exitcond.not = icmp eq i64 %.11.i, %.664
  br i1 %exitcond.not, label %B1542, label %B926
B1542:                                            ; preds = %B1470, %B990, %B636
  %out.4.3 = phi i64 [ %out.3.1, %B636 ], [ %.658, %B1470 ], [ %out.2.1, %B990 ]
  %position.6.3 = phi i64 [ %position.5.1, %B636 ], [ %position.8.2, %B1470 ], [ %position.7.2, %B990 ]
  %count.6.3 = phi i64 [ %count.5.1, %B636 ], [ %count.7.2, %B1470 ], [ %count.7.2, %B990 ]
  %.784 = phi i1 [ true, %B636 ], [ true, %B1470 ], [ false, %B990 ]
  %sounding.3.3 = phi i64 [ 1, %B636 ], [ 1, %B1470 ], [ 0, %B990 ]
  %at_frame.3.3 = phi i64 [ %at_frame.2.1, %B636 ], [ %.11.i, %B1470 ], [ %at_frame.4.1, %B990 ]
  %age.3.3 = phi i64 [ %age.2.1, %B636 ], [ %5, %B1470 ], [ %age.4.1, %B990 ]
  %.722 = add nsw i64 %ramp.2.1, 40
  tail call void asm sideeffect "", "~{memory}"() #0
  %.731 = icmp slt i64 %.722, %.125
  %or.cond = and i1 %.731, %.784
  br i1 %or.cond, label %B636, label %B1608
B1608:                                            ; preds = %B1542, %entry
  %position.9.0 = phi i64 [ %.78, %entry ], [ %position.6.3, %B1542 ]
  %count.8.0 = phi i64 [ %.74, %entry ], [ %count.6.3, %B1542 ]
  %sounding.5.0 = phi i64 [ 1, %entry ], [ %sounding.3.3, %B1542 ]
  %age.5.0 = phi i64 [ %.96, %entry ], [ %age.3.3, %B1542 ]
  %until.2.0 = phi i64 [ 0, %entry ], [ %.277, %B1542 ]
  %.864 = icmp ne i64 %sounding.5.0, 0
  %.876 = icmp sge i64 %age.5.0, %until.2.0
  %or.cond316 = select i1 %.864, i1 %.876, i1 false
  br i1 %or.cond316, label %B1666.thread, label %B1666
B1666.thread:                                     ; preds = %B1608
  %.884 = add nsw i64 %count.8.0, %.50
  %.890 = urem i64 %.884, %.36
  %sunkaddr = inttoptr i64 %arg.voice to ptr
  %sunkaddr33 = getelementptr i8, ptr %sunkaddr, i64 96
  store i64 %.890, ptr %sunkaddr33, align 1
  %sunkaddr35 = getelementptr i8, ptr %sunkaddr, i64 88
  store i64 %position.9.0, ptr %sunkaddr35, align 1
  %sunkaddr37 = getelementptr i8, ptr %sunkaddr, i64 80
  store i64 %age.5.0, ptr %sunkaddr37, align 1
  br label %B1814
B1666:                                            ; preds = %B1608
  %sunkaddr38 = inttoptr i64 %arg.voice to ptr
  %sunkaddr39 = getelementptr i8, ptr %sunkaddr38, i64 96
  store i64 %count.8.0, ptr %sunkaddr39, align 1
  %sunkaddr41 = getelementptr i8, ptr %sunkaddr38, i64 88
  store i64 %position.9.0, ptr %sunkaddr41, align 1
  %sunkaddr43 = getelementptr i8, ptr %sunkaddr38, i64 80
  store i64 %age.5.0, ptr %sunkaddr43, align 1
  %.928.not = icmp eq i64 %sounding.5.0, 0
  br i1 %.928.not, label %B1814, label %common.ret
common.ret:                                       ; preds = %B1814, %B1666
  store ptr null, ptr %retptr, align 8
  ret i32 0
B1814:                                            ; preds = %B1666, %B1666.thread
  %.934 = inttoptr i64 %arg.voice to ptr
  store i64 0, ptr %.934, align 1
  %.937 = add nsw i64 %arg.voice, 104
  %.942 = inttoptr i64 %.937 to ptr
  %.943 = load i64, ptr %.942, align 1
  %.944 = add nsw i64 %.943, 1
  store i64 %.944, ptr %.942, align 1
  br label %common.ret
}
declare i64 @llvm.smin.i64(i64, i64) #1
attributes #0 = { nounwind }
attributes #1 = { mustprogress nocallback nocreateundeforpoison nofree nosync nounwind speculatable willreturn memory(none) }

define internal i64 @kernel(i64 %a, i64 %b, i64 %c, i64 %d) {
  %result = alloca i64
  %status = call i32 @mix(ptr %result, ptr null, i64 %a, i64 %b, i64 %c, i64 %d)
  %value = load i64, ptr %result
  ret i64 %value
}
