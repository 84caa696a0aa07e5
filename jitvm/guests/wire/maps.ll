; Whether a key comes twice in a map: the kernel of `maps.py`, written by hand.
;
;     offsets     32 bits each, one more than there are rows: where the entries of each row begin
;     ends        the same of the bytes of keys; not looked at where these have a width
;     values      keys: numbers of `width` bytes (1, 4, 8), or the bytes of all with `width` 0
;
; Returns the first row with two keys that seem to be the same, or with more than 32 entries, or how
; many rows there are. Keys of bytes are told apart by 64 bits of their length and of the eight bytes
; at both ends, so keys that differ may seem the same, but those that are the same never differ.
; Up to 7 bytes behind the last key are read.

define i64 @doubled(ptr %offsets, i64 %rows, ptr %ends, ptr %values, i64 %width) {
  %seen = alloca [32 x i64], align 8
  br label %next

next:
  %row = phi i64 [ 0, %0 ], [ %row.next, %sized ], [ %row.next, %each ]
  %is.done = icmp eq i64 %row, %rows
  br i1 %is.done, label %done, label %sized

sized:
  %row.next = add i64 %row, 1
  %first.at = getelementptr i32, ptr %offsets, i64 %row
  %first.32 = load i32, ptr %first.at
  %first = zext i32 %first.32 to i64
  %last.at = getelementptr i32, ptr %offsets, i64 %row.next
  %last.32 = load i32, ptr %last.at
  %last = zext i32 %last.32 to i64
  %count = sub i64 %last, %first
  %has.some = icmp ugt i64 %count, 1
  br i1 %has.some, label %few, label %next

few:
  %is.few = icmp ule i64 %count, 32
  br i1 %is.few, label %each, label %done

each:
  %i = phi i64 [ 0, %few ], [ %i.next, %kept ]
  %is.left = icmp ult i64 %i, %count
  br i1 %is.left, label %look, label %next

look:
  %place = add i64 %first, %i
  switch i64 %width, label %text [ i64 1, label %one  i64 4, label %four  i64 8, label %eight ]

one:
  %one.at = getelementptr i8, ptr %values, i64 %place
  %one.8 = load i8, ptr %one.at
  %one.64 = zext i8 %one.8 to i64
  br label %told

four:
  %four.at = getelementptr i32, ptr %values, i64 %place
  %four.32 = load i32, ptr %four.at
  %four.64 = zext i32 %four.32 to i64
  br label %told

eight:
  %eight.at = getelementptr i64, ptr %values, i64 %place
  %eight.64 = load i64, ptr %eight.at
  br label %told

text:
  %start.at = getelementptr i32, ptr %ends, i64 %place
  %start.32 = load i32, ptr %start.at
  %start = zext i32 %start.32 to i64
  %end.at = getelementptr i8, ptr %start.at, i64 4
  %end.32 = load i32, ptr %end.at
  %end = zext i32 %end.32 to i64
  %size = sub i64 %end, %start
  %is.short = icmp ult i64 %size, 8
  %missing = sub i64 8, %size
  %missing.bits = shl i64 %missing, 3
  %half = lshr i64 %missing.bits, 1             ; twice, as no shift is as wide as its word
  %text.at = getelementptr i8, ptr %values, i64 %start
  %head.word = load i64, ptr %text.at, align 1
  %head.once = shl i64 %head.word, %half
  %head.short = shl i64 %head.once, %half
  %distance = select i1 %is.short, i64 0, i64 %size
  %back = select i1 %is.short, i64 0, i64 -8
  %tail.behind = getelementptr i8, ptr %text.at, i64 %distance
  %tail.at = getelementptr i8, ptr %tail.behind, i64 %back
  %tail.word = load i64, ptr %tail.at, align 1
  %head = select i1 %is.short, i64 %head.short, i64 %head.word
  %tail = select i1 %is.short, i64 %head.short, i64 %tail.word
  %head.mixed = mul i64 %head, -7046029254386353131
  %tail.mixed = mul i64 %tail, -4417276706812531889
  %size.high = shl i64 %size, 48
  %both = xor i64 %head.mixed, %tail.mixed
  %mixed = xor i64 %both, %size.high
  br label %told

told:
  %key = phi i64 [ %one.64, %one ], [ %four.64, %four ], [ %eight.64, %eight ], [ %mixed, %text ]
  br label %compare

compare:
  %j = phi i64 [ 0, %told ], [ %j.next, %other ]
  %is.itself = icmp eq i64 %j, %i
  br i1 %is.itself, label %kept, label %other

other:
  %j.next = add i64 %j, 1
  %seen.at = getelementptr i64, ptr %seen, i64 %j
  %before = load i64, ptr %seen.at
  %is.same = icmp eq i64 %before, %key
  br i1 %is.same, label %done, label %compare

kept:
  %kept.at = getelementptr i64, ptr %seen, i64 %i
  store i64 %key, ptr %kept.at
  %i.next = add i64 %i, 1
  br label %each

done:
  ret i64 %row
}
