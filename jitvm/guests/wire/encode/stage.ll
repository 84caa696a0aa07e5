; Columns of a batch, copied to where a program has them: the kernel of `staging.py`, by hand.
;
;     define i64 @stage(ptr %steps, i64 %count, ptr %ranges)
;
; A step is 7 words of 64 bits:
;
;      0 kind       0 values: copied   1, 2 offsets of 32, 64 bits: made to begin at 0
;                   3 presence of values that are all there: filled with 1
;                   4 presence, or offsets, where none is there: filled with 0
;      8 source     the address of the first value of all rows of the table
;     16 target     where those of the batch go; 63 bytes behind them may be written, too
;     24 size       bytes of a value
;     32 range      which rows: the index of a range
;     40 inner      of offsets: the index of the range of what they count
;     48 capacity   values at most
;
; A range is two words, the first row and how many. That of the rows is given, those of what offsets
; count are found. Gives how many steps were done: at a step with too many values it stops. What is
; read of a source are its values and, of offsets, the one behind the last.

define internal void @copy(ptr %to, ptr %from, i64 %size) alwaysinline {
  %is.large = icmp uge i64 %size, 64
  br i1 %is.large, label %large, label %byte

large:
  %last = sub i64 %size, 64
  br label %piece

piece:
  %at = phi i64 [ 0, %large ], [ %next, %piece ]
  %from.at = getelementptr i8, ptr %from, i64 %at
  %to.at = getelementptr i8, ptr %to, i64 %at
  %bytes = load <64 x i8>, ptr %from.at, align 1
  store <64 x i8> %bytes, ptr %to.at, align 1
  %next = add i64 %at, 64
  %more = icmp ule i64 %next, %last
  br i1 %more, label %piece, label %tail

tail:                                                       ; pieces overlap
  %from.last = getelementptr i8, ptr %from, i64 %last
  %to.last = getelementptr i8, ptr %to, i64 %last
  %rest = load <64 x i8>, ptr %from.last, align 1
  store <64 x i8> %rest, ptr %to.last, align 1
  ret void

byte:
  %i = phi i64 [ 0, %0 ], [ %i.next, %one ]
  %is.left = icmp ult i64 %i, %size
  br i1 %is.left, label %one, label %done

one:
  %from.i = getelementptr i8, ptr %from, i64 %i
  %to.i = getelementptr i8, ptr %to, i64 %i
  %c = load i8, ptr %from.i
  store i8 %c, ptr %to.i
  %i.next = add i64 %i, 1
  br label %byte

done:
  ret void
}

; The differences of some words of 32 bits to a number.
define internal void @rebase32(ptr %to, ptr %from, i64 %count, i32 %base) alwaysinline {
  %one = insertelement <8 x i32> poison, i32 %base, i64 0
  %eight = shufflevector <8 x i32> %one, <8 x i32> poison, <8 x i32> zeroinitializer
  br label %next

next:
  %at = phi i64 [ 0, %0 ], [ %behind, %many ]
  %behind = add i64 %at, 8
  %is.many = icmp ule i64 %behind, %count
  br i1 %is.many, label %many, label %few

many:
  %from.at = getelementptr i32, ptr %from, i64 %at
  %to.at = getelementptr i32, ptr %to, i64 %at
  %words = load <8 x i32>, ptr %from.at, align 1
  %less = sub <8 x i32> %words, %eight
  store <8 x i32> %less, ptr %to.at, align 1
  br label %next

few:
  %i = phi i64 [ %at, %next ], [ %i.next, %single ]
  %is.left = icmp ult i64 %i, %count
  br i1 %is.left, label %single, label %done

single:
  %from.i = getelementptr i32, ptr %from, i64 %i
  %to.i = getelementptr i32, ptr %to, i64 %i
  %word = load i32, ptr %from.i, align 1
  %less.i = sub i32 %word, %base
  store i32 %less.i, ptr %to.i, align 1
  %i.next = add i64 %i, 1
  br label %few

done:
  ret void
}

; The same of words of 64 bits, of which the low 32 are kept.
define internal void @rebase64(ptr %to, ptr %from, i64 %count, i64 %base) alwaysinline {
  br label %next

next:
  %i = phi i64 [ 0, %0 ], [ %i.next, %single ]
  %is.left = icmp ult i64 %i, %count
  br i1 %is.left, label %single, label %done

single:
  %from.i = getelementptr i64, ptr %from, i64 %i
  %to.i = getelementptr i32, ptr %to, i64 %i
  %word = load i64, ptr %from.i, align 1
  %less = sub i64 %word, %base
  %low = trunc i64 %less to i32
  store i32 %low, ptr %to.i, align 1
  %i.next = add i64 %i, 1
  br label %next

done:
  ret void
}

define i64 @stage(ptr %steps, i64 %count, ptr %ranges) {
  br label %next

next:
  %i = phi i64 [ 0, %0 ], [ %i.next, %done ]
  %is.left = icmp ult i64 %i, %count
  br i1 %is.left, label %look, label %end

look:
  %start = mul i64 %i, 56
  %step = getelementptr i8, ptr %steps, i64 %start
  %kind = load i64, ptr %step
  %source.at = getelementptr i8, ptr %step, i64 8
  %source = load ptr, ptr %source.at
  %target.at = getelementptr i8, ptr %step, i64 16
  %target = load ptr, ptr %target.at
  %size.at = getelementptr i8, ptr %step, i64 24
  %size = load i64, ptr %size.at
  %range.at = getelementptr i8, ptr %step, i64 32
  %range = load i64, ptr %range.at
  %inner.at = getelementptr i8, ptr %step, i64 40
  %inner = load i64, ptr %inner.at
  %capacity.at = getelementptr i8, ptr %step, i64 48
  %capacity = load i64, ptr %capacity.at
  %range.byte = shl i64 %range, 4
  %first.at = getelementptr i8, ptr %ranges, i64 %range.byte
  %first = load i64, ptr %first.at
  %rows.at = getelementptr i8, ptr %first.at, i64 8
  %rows = load i64, ptr %rows.at
  %fits = icmp ule i64 %rows, %capacity
  br i1 %fits, label %begin, label %end

begin:
  %skipped = mul i64 %first, %size
  %from = getelementptr i8, ptr %source, i64 %skipped
  %bytes = mul i64 %rows, %size
  switch i64 %kind, label %values [ i64 1, label %narrow i64 2, label %wide i64 3, label %fill
                                    i64 4, label %clear ]

values:
  call void @copy(ptr %target, ptr %from, i64 %bytes)
  br label %done

fill:
  br label %ones

ones:
  %at = phi i64 [ 0, %fill ], [ %at.next, %ones ]
  %target.piece = getelementptr i8, ptr %target, i64 %at
  store i64 72340172838076673, ptr %target.piece, align 1
  %at.next = add i64 %at, 8
  %is.more = icmp ult i64 %at.next, %rows
  br i1 %is.more, label %ones, label %done

clear:
  br label %zeros

zeros:                                                      ; up to the one behind the last
  %z = phi i64 [ 0, %clear ], [ %z.next, %zeros ]
  %z.piece = getelementptr i8, ptr %target, i64 %z
  store i64 0, ptr %z.piece, align 1
  %z.next = add i64 %z, 8
  %z.more = icmp ule i64 %z.next, %bytes
  br i1 %z.more, label %zeros, label %done

narrow:
  %words = add i64 %rows, 1
  %base.32 = load i32, ptr %from, align 1
  %last.32.at = getelementptr i8, ptr %from, i64 %bytes
  %last.32 = load i32, ptr %last.32.at, align 1
  call void @rebase32(ptr %target, ptr %from, i64 %words, i32 %base.32)
  %base.wide = zext i32 %base.32 to i64
  %last.wide = zext i32 %last.32 to i64
  br label %counted

wide:
  %words.64 = add i64 %rows, 1
  %base.64 = load i64, ptr %from, align 1
  %last.64.at = getelementptr i8, ptr %from, i64 %bytes
  %last.64 = load i64, ptr %last.64.at, align 1
  call void @rebase64(ptr %target, ptr %from, i64 %words.64, i64 %base.64)
  br label %counted

counted:
  %base = phi i64 [ %base.wide, %narrow ], [ %base.64, %wide ]
  %last = phi i64 [ %last.wide, %narrow ], [ %last.64, %wide ]
  %counted.rows = sub i64 %last, %base
  %inner.byte = shl i64 %inner, 4
  %inner.first.at = getelementptr i8, ptr %ranges, i64 %inner.byte
  store i64 %base, ptr %inner.first.at
  %inner.rows.at = getelementptr i8, ptr %inner.first.at, i64 8
  store i64 %counted.rows, ptr %inner.rows.at
  br label %done

done:
  %i.next = add i64 %i, 1
  br label %next

end:
  ret i64 %i
}
