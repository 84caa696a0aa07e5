; Messages side by side, from where they are: the kernels of `feed.py`, written by hand.
;
;     define void @kernel(ptr %words)         the address of words of 64 bits: WORDS in `feed.py`
;
;      0 source   8 first   16 last           what there is, and which part of it
;     24 out   32 room   40 written           where bytes go
;     48 offsets   56 count   64 most         where the ends of messages go
;     72 nulls   80 null count                which of them were None
;     88 bytes   96 none   104 objects        of `gather`
;     112 starts   120 skip   128 limit       of `strip`
;     112 starts   120 skip   128 limit       of `view`: data, how many buffers, their sizes
;
; A kernel takes messages from `first` on until there are no more, one does not fit, or `most` are
; there, and leaves in `first`, `written`, `count` and `null count` how far it came. Bytes are copied
; in pieces of up to 64, so up to 63 behind the last one may be written. What is read is said below.

declare void @llvm.prefetch.p0(ptr, i32, i32, i32)
declare i64 @llvm.umin.i64(i64, i64)

; -- copies ---------------------------------------------------------------------------------------

; Reads nothing else than `size` bytes and, if there are fewer than 16, the 16 before their end: an
; object has a head in front of them. Pieces overlap, so no length needs a loop of its own.
define internal void @object(ptr %to, ptr %from, i64 %size) alwaysinline {
  %from.end = getelementptr i8, ptr %from, i64 %size
  %to.end = getelementptr i8, ptr %to, i64 %size
  %above.64 = icmp ugt i64 %size, 64
  br i1 %above.64, label %many, label %few

few:
  %above.32 = icmp ugt i64 %size, 32
  br i1 %above.32, label %two.of.32, label %less

less:
  %above.15 = icmp ugt i64 %size, 15
  br i1 %above.15, label %two.of.16, label %shifted

shifted:
  %tail = getelementptr i8, ptr %from.end, i64 -16
  %word = load i128, ptr %tail, align 1
  %missing = sub i64 16, %size
  %half = shl i64 %missing, 2                     ; twice, as no shift is as wide as its word
  %distance = zext i64 %half to i128
  %once = lshr i128 %word, %distance
  %all = lshr i128 %once, %distance
  store i128 %all, ptr %to, align 1
  ret void

two.of.16:
  %from.16 = getelementptr i8, ptr %from.end, i64 -16
  %to.16 = getelementptr i8, ptr %to.end, i64 -16
  %a.16 = load <16 x i8>, ptr %from, align 1
  %b.16 = load <16 x i8>, ptr %from.16, align 1
  store <16 x i8> %a.16, ptr %to, align 1
  store <16 x i8> %b.16, ptr %to.16, align 1
  ret void

two.of.32:
  %from.32 = getelementptr i8, ptr %from.end, i64 -32
  %to.32 = getelementptr i8, ptr %to.end, i64 -32
  %a.32 = load <32 x i8>, ptr %from, align 1
  %b.32 = load <32 x i8>, ptr %from.32, align 1
  store <32 x i8> %a.32, ptr %to, align 1
  store <32 x i8> %b.32, ptr %to.32, align 1
  ret void

many:
  %from.64 = getelementptr i8, ptr %from.end, i64 -64
  %to.64 = getelementptr i8, ptr %to.end, i64 -64
  br label %piece

piece:
  %at = phi i64 [ 0, %many ], [ %next, %piece ]
  %from.at = getelementptr i8, ptr %from, i64 %at
  %to.at = getelementptr i8, ptr %to, i64 %at
  %bytes = load <64 x i8>, ptr %from.at, align 1
  store <64 x i8> %bytes, ptr %to.at, align 1
  %next = add i64 %at, 64
  %behind = add i64 %next, 64
  %more = icmp ult i64 %behind, %size
  br i1 %more, label %piece, label %last

last:
  %b.64 = load <64 x i8>, ptr %from.64, align 1
  store <64 x i8> %b.64, ptr %to.64, align 1
  ret void
}

; Reads up to 63 bytes behind the last, but nothing at `limit` or behind it.
define internal void @part(ptr %to, ptr %from, i64 %size, ptr %limit) alwaysinline {
  br label %piece

piece:
  %at = phi i64 [ 0, %0 ], [ %next, %whole ]
  %from.at = getelementptr i8, ptr %from, i64 %at
  %to.at = getelementptr i8, ptr %to, i64 %at
  %next = add i64 %at, 64
  %from.next = getelementptr i8, ptr %from, i64 %next
  %is.inside = icmp ule ptr %from.next, %limit
  br i1 %is.inside, label %whole, label %byte

whole:
  %bytes = load <64 x i8>, ptr %from.at, align 1
  store <64 x i8> %bytes, ptr %to.at, align 1
  %more = icmp ult i64 %next, %size
  br i1 %more, label %piece, label %done

byte:
  %i = phi i64 [ %at, %piece ], [ %i.next, %one ]
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

; -- kernels --------------------------------------------------------------------------------------

; Messages that are objects: at `source` is the address of an array of their addresses, at `objects`
; how many there are. Both may change whenever somebody else has the interpreter lock, so they are
; looked up here. Stops at an object that is neither bytes nor None; None becomes a byte of 0.
; Objects lie anywhere in memory, so they are asked for well before they are needed.
define void @gather(ptr %words) {
  %source.at = load ptr, ptr %words
  %source = load ptr, ptr %source.at
  %first.at = getelementptr i8, ptr %words, i64 8
  %first = load i64, ptr %first.at
  %last.at = getelementptr i8, ptr %words, i64 16
  %wanted = load i64, ptr %last.at
  %out.at = getelementptr i8, ptr %words, i64 24
  %out = load ptr, ptr %out.at
  %room.at = getelementptr i8, ptr %words, i64 32
  %room = load i64, ptr %room.at
  %written.at = getelementptr i8, ptr %words, i64 40
  %written.0 = load i64, ptr %written.at
  %offsets.at = getelementptr i8, ptr %words, i64 48
  %offsets = load ptr, ptr %offsets.at
  %count.at = getelementptr i8, ptr %words, i64 56
  %count.0 = load i64, ptr %count.at
  %most.at = getelementptr i8, ptr %words, i64 64
  %most = load i64, ptr %most.at
  %nulls.at = getelementptr i8, ptr %words, i64 72
  %nulls = load ptr, ptr %nulls.at
  %null.count.at = getelementptr i8, ptr %words, i64 80
  %bytes.at = getelementptr i8, ptr %words, i64 88
  %bytes = load ptr, ptr %bytes.at
  %none.at = getelementptr i8, ptr %words, i64 96
  %none = load ptr, ptr %none.at
  %objects.word = getelementptr i8, ptr %words, i64 104
  %objects.at = load ptr, ptr %objects.word
  %objects = load i64, ptr %objects.at
  %last = call i64 @llvm.umin.i64(i64 %wanted, i64 %objects)
  %final = sub i64 %last, 1
  br label %next

next:
  %i = phi i64 [ %first, %0 ], [ %i.next, %taken ]
  %written = phi i64 [ %written.0, %0 ], [ %written.next, %taken ]
  %count = phi i64 [ %count.0, %0 ], [ %count.next, %taken ]
  %is.left = icmp slt i64 %i, %last
  %is.room = icmp ult i64 %count, %most
  %goes.on = and i1 %is.left, %is.room
  br i1 %goes.on, label %look, label %done

look:
  %later = add i64 %i, 12
  %later.in = call i64 @llvm.umin.i64(i64 %later, i64 %final)
  %later.at = getelementptr ptr, ptr %source, i64 %later.in
  %head = load ptr, ptr %later.at
  %rest = getelementptr i8, ptr %head, i64 64
  call void @llvm.prefetch.p0(ptr %head, i32 0, i32 3, i32 1)
  call void @llvm.prefetch.p0(ptr %rest, i32 0, i32 3, i32 1)
  %object.at = getelementptr ptr, ptr %source, i64 %i
  %object = load ptr, ptr %object.at
  %type.at = getelementptr i8, ptr %object, i64 8
  %type = load ptr, ptr %type.at
  %to = getelementptr i8, ptr %out, i64 %written
  %left = sub i64 %room, %written
  %is.bytes = icmp eq ptr %type, %bytes
  br i1 %is.bytes, label %measured, label %other

measured:
  %size.at = getelementptr i8, ptr %object, i64 16
  %size = load i64, ptr %size.at
  %fits = icmp ule i64 %size, %left
  br i1 %fits, label %copied, label %done

copied:
  %from = getelementptr i8, ptr %object, i64 32
  call void @object(ptr %to, ptr %from, i64 %size)
  br label %taken

other:
  %is.none = icmp eq ptr %object, %none
  %has.room = icmp ne i64 %left, 0
  %is.null = and i1 %is.none, %has.room
  br i1 %is.null, label %null, label %done

null:
  store i8 0, ptr %to
  %null.count = load i64, ptr %null.count.at
  %null.at = getelementptr i64, ptr %nulls, i64 %null.count
  store i64 %count, ptr %null.at
  %null.next = add i64 %null.count, 1
  store i64 %null.next, ptr %null.count.at
  br label %taken

taken:
  %length = phi i64 [ %size, %copied ], [ 1, %null ]
  %written.next = add i64 %written, %length
  %count.next = add i64 %count, 1
  %offset.at = getelementptr i64, ptr %offsets, i64 %count.next
  store i64 %written.next, ptr %offset.at
  %i.next = add i64 %i, 1
  br label %next

done:
  store i64 %i, ptr %first.at
  store i64 %written, ptr %written.at
  store i64 %count, ptr %count.at
  ret void
}

; Messages behind their lengths: `source` is bytes. Stops at one that is not whole, or has a length
; that is none: of more than five bytes, or 31 bits.
define void @frame(ptr %words) {
  %source = load ptr, ptr %words
  %first.at = getelementptr i8, ptr %words, i64 8
  %first = load i64, ptr %first.at
  %last.at = getelementptr i8, ptr %words, i64 16
  %last = load i64, ptr %last.at
  %out.at = getelementptr i8, ptr %words, i64 24
  %out = load ptr, ptr %out.at
  %room.at = getelementptr i8, ptr %words, i64 32
  %room = load i64, ptr %room.at
  %written.at = getelementptr i8, ptr %words, i64 40
  %written.0 = load i64, ptr %written.at
  %offsets.at = getelementptr i8, ptr %words, i64 48
  %offsets = load ptr, ptr %offsets.at
  %count.at = getelementptr i8, ptr %words, i64 56
  %count.0 = load i64, ptr %count.at
  %most.at = getelementptr i8, ptr %words, i64 64
  %most = load i64, ptr %most.at
  %limit = getelementptr i8, ptr %source, i64 %last
  br label %next

next:
  %at = phi i64 [ %first, %0 ], [ %behind, %copied ]
  %written = phi i64 [ %written.0, %0 ], [ %written.next, %copied ]
  %count = phi i64 [ %count.0, %0 ], [ %count.next, %copied ]
  %is.left = icmp slt i64 %at, %last
  %is.room = icmp ult i64 %count, %most
  %goes.on = and i1 %is.left, %is.room
  br i1 %goes.on, label %look, label %done

look:
  %byte.at = getelementptr i8, ptr %source, i64 %at
  %byte = load i8, ptr %byte.at
  %low = zext i8 %byte to i64
  %begin.1 = add i64 %at, 1
  %is.one = icmp sge i8 %byte, 0
  br i1 %is.one, label %measured, label %second

second:
  %sum.1 = and i64 %low, 127
  br label %digit

digit:
  %place = phi i64 [ %begin.1, %second ], [ %place.next, %again ]
  %shift = phi i64 [ 7, %second ], [ %shift.next, %again ]
  %sum = phi i64 [ %sum.1, %second ], [ %sum.next, %again ]
  %is.there = icmp slt i64 %place, %last
  br i1 %is.there, label %read, label %done

read:
  %digit.at = getelementptr i8, ptr %source, i64 %place
  %digit.byte = load i8, ptr %digit.at
  %digit.word = zext i8 %digit.byte to i64
  %digit.low = and i64 %digit.word, 127
  %digit.moved = shl i64 %digit.low, %shift
  %sum.next = or i64 %sum, %digit.moved
  %place.next = add i64 %place, 1
  %shift.next = add i64 %shift, 7
  %is.end = icmp sge i8 %digit.byte, 0
  br i1 %is.end, label %summed, label %again

again:
  %is.short = icmp ult i64 %shift.next, 35
  br i1 %is.short, label %digit, label %done

summed:
  %is.length = icmp ule i64 %sum.next, 2147483647
  br i1 %is.length, label %measured, label %done

measured:
  %size = phi i64 [ %low, %look ], [ %sum.next, %summed ]
  %begin = phi i64 [ %begin.1, %look ], [ %place.next, %summed ]
  %behind = add i64 %begin, %size
  %is.whole = icmp sle i64 %behind, %last
  %left = sub i64 %room, %written
  %fits = icmp ule i64 %size, %left
  %is.good = and i1 %is.whole, %fits
  br i1 %is.good, label %copied, label %done

copied:
  %to = getelementptr i8, ptr %out, i64 %written
  %from = getelementptr i8, ptr %source, i64 %begin
  call void @part(ptr %to, ptr %from, i64 %size, ptr %limit)
  %written.next = add i64 %written, %size
  %count.next = add i64 %count, 1
  %offset.at = getelementptr i64, ptr %offsets, i64 %count.next
  store i64 %written.next, ptr %offset.at
  br label %next

done:
  store i64 %at, ptr %first.at
  store i64 %written, ptr %written.at
  store i64 %count, ptr %count.at
  ret void
}

; Messages that lie side by side, without the first `skip` bytes of each: `source` is bytes before
; `limit`, `starts` an array of offsets, one more than there are messages. Stops at a message that
; has fewer, or does not lie there.
define void @strip(ptr %words) {
  %source = load ptr, ptr %words
  %first.at = getelementptr i8, ptr %words, i64 8
  %first = load i64, ptr %first.at
  %last.at = getelementptr i8, ptr %words, i64 16
  %last = load i64, ptr %last.at
  %out.at = getelementptr i8, ptr %words, i64 24
  %out = load ptr, ptr %out.at
  %room.at = getelementptr i8, ptr %words, i64 32
  %room = load i64, ptr %room.at
  %written.at = getelementptr i8, ptr %words, i64 40
  %written.0 = load i64, ptr %written.at
  %offsets.at = getelementptr i8, ptr %words, i64 48
  %offsets = load ptr, ptr %offsets.at
  %count.at = getelementptr i8, ptr %words, i64 56
  %count.0 = load i64, ptr %count.at
  %most.at = getelementptr i8, ptr %words, i64 64
  %most = load i64, ptr %most.at
  %starts.at = getelementptr i8, ptr %words, i64 112
  %starts = load ptr, ptr %starts.at
  %skip.at = getelementptr i8, ptr %words, i64 120
  %skip = load i64, ptr %skip.at
  %limit.at = getelementptr i8, ptr %words, i64 128
  %limit = load i64, ptr %limit.at
  %limit.pointer = getelementptr i8, ptr %source, i64 %limit
  br label %next

next:
  %i = phi i64 [ %first, %0 ], [ %i.next, %copied ]
  %written = phi i64 [ %written.0, %0 ], [ %written.next, %copied ]
  %count = phi i64 [ %count.0, %0 ], [ %count.next, %copied ]
  %is.left = icmp slt i64 %i, %last
  %is.room = icmp ult i64 %count, %most
  %goes.on = and i1 %is.left, %is.room
  br i1 %goes.on, label %look, label %done

look:
  %start.at = getelementptr i64, ptr %starts, i64 %i
  %start = load i64, ptr %start.at, align 1
  %i.next = add i64 %i, 1
  %end.at = getelementptr i64, ptr %starts, i64 %i.next
  %end = load i64, ptr %end.at, align 1
  %is.there = icmp ule i64 %start, %limit
  %ends.there = icmp ule i64 %end, %limit
  %begin = add i64 %start, %skip
  %is.long = icmp ule i64 %begin, %end
  %size = sub i64 %end, %begin
  %left = sub i64 %room, %written
  %fits = icmp ule i64 %size, %left
  %is.inside = and i1 %is.there, %ends.there
  %is.message = and i1 %is.inside, %is.long
  %is.good = and i1 %is.message, %fits
  br i1 %is.good, label %copied, label %done

copied:
  %to = getelementptr i8, ptr %out, i64 %written
  %from = getelementptr i8, ptr %source, i64 %begin
  call void @part(ptr %to, ptr %from, i64 %size, ptr %limit.pointer)
  %written.next = add i64 %written, %size
  %count.next = add i64 %count, 1
  %offset.at = getelementptr i64, ptr %offsets, i64 %count.next
  store i64 %written.next, ptr %offset.at
  br label %next

done:
  store i64 %i, ptr %first.at
  store i64 %written, ptr %written.at
  store i64 %count, ptr %count.at
  ret void
}

; Messages that Arrow's views show: `source` is an array of them, `starts` one of the addresses of
; `skip` buffers, `limit` that of their sizes. Stops at a view of what is not there.
define void @view(ptr %words) {
  %source = load ptr, ptr %words
  %first.at = getelementptr i8, ptr %words, i64 8
  %first = load i64, ptr %first.at
  %last.at = getelementptr i8, ptr %words, i64 16
  %last = load i64, ptr %last.at
  %out.at = getelementptr i8, ptr %words, i64 24
  %out = load ptr, ptr %out.at
  %room.at = getelementptr i8, ptr %words, i64 32
  %room = load i64, ptr %room.at
  %written.at = getelementptr i8, ptr %words, i64 40
  %written.0 = load i64, ptr %written.at
  %offsets.at = getelementptr i8, ptr %words, i64 48
  %offsets = load ptr, ptr %offsets.at
  %count.at = getelementptr i8, ptr %words, i64 56
  %count.0 = load i64, ptr %count.at
  %most.at = getelementptr i8, ptr %words, i64 64
  %most = load i64, ptr %most.at
  %starts.at = getelementptr i8, ptr %words, i64 112
  %starts = load ptr, ptr %starts.at
  %buffers.at = getelementptr i8, ptr %words, i64 120
  %buffers = load i64, ptr %buffers.at
  %sizes.at = getelementptr i8, ptr %words, i64 128
  %sizes = load ptr, ptr %sizes.at
  br label %next

next:
  %i = phi i64 [ %first, %0 ], [ %i.next, %taken ]
  %written = phi i64 [ %written.0, %0 ], [ %written.next, %taken ]
  %count = phi i64 [ %count.0, %0 ], [ %count.next, %taken ]
  %is.left = icmp slt i64 %i, %last
  %is.room = icmp ult i64 %count, %most
  %goes.on = and i1 %is.left, %is.room
  br i1 %goes.on, label %look, label %done

look:
  %view = getelementptr i128, ptr %source, i64 %i
  %word = load i128, ptr %view, align 1
  %low = trunc i128 %word to i64
  %size = and i64 %low, 4294967295
  %left = sub i64 %room, %written
  %fits = icmp ule i64 %size, %left
  br i1 %fits, label %shown, label %done

shown:
  %to = getelementptr i8, ptr %out, i64 %written
  %is.short = icmp ule i64 %size, 12
  br i1 %is.short, label %short, label %long

short:
  %value = lshr i128 %word, 32
  store i128 %value, ptr %to, align 1
  br label %taken

long:
  %wide = lshr i128 %word, 64
  %high = trunc i128 %wide to i64
  %index = and i64 %high, 4294967295
  %begin = lshr i64 %high, 32
  %end = add i64 %begin, %size
  %is.buffer = icmp ult i64 %index, %buffers
  br i1 %is.buffer, label %there, label %done

there:
  %limit.at = getelementptr i64, ptr %sizes, i64 %index
  %limit = load i64, ptr %limit.at
  %is.inside = icmp ule i64 %end, %limit
  br i1 %is.inside, label %copied, label %done

copied:
  %data.at = getelementptr ptr, ptr %starts, i64 %index
  %data = load ptr, ptr %data.at
  %from = getelementptr i8, ptr %data, i64 %begin
  %data.end = getelementptr i8, ptr %data, i64 %limit
  call void @part(ptr %to, ptr %from, i64 %size, ptr %data.end)
  br label %taken

taken:
  %written.next = add i64 %written, %size
  %count.next = add i64 %count, 1
  %offset.at = getelementptr i64, ptr %offsets, i64 %count.next
  store i64 %written.next, ptr %offset.at
  %i.next = add i64 %i, 1
  br label %next

done:
  store i64 %i, ptr %first.at
  store i64 %written, ptr %written.at
  store i64 %count, ptr %count.at
  ret void
}
