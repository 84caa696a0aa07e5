; What consumers of Arrow's data call when they are done with a struct: the kernels of `arrow.py`.
;
;     define void @array(ptr %struct)     private_data of a struct ArrowArray is at 72
;     define void @schema(ptr %struct)    that of a struct ArrowSchema at 64
;
; A consumer may call while an error is on its way up the stack, as when a function ends by one whose
; variables have the last of the data. Python's code cannot run then: it would take that error for
; its own, and leave the struct as it is. So the error is put aside meanwhile. At private_data is a
; word of Python's, and behind it the address of others: those of the function that releases, and of
; PyGILState_Ensure, PyGILState_Release, PyErr_Fetch, PyErr_Restore.

define internal void @call(ptr %struct, ptr %private.at) {
  %error = alloca [3 x ptr], align 8
  %value = getelementptr ptr, ptr %error, i64 1
  %trace = getelementptr ptr, ptr %error, i64 2
  %private = load ptr, ptr %private.at
  %words.at = getelementptr ptr, ptr %private, i64 1
  %words = load ptr, ptr %words.at
  %release = load ptr, ptr %words
  %ensure.at = getelementptr ptr, ptr %words, i64 1
  %ensure = load ptr, ptr %ensure.at
  %let.go.at = getelementptr ptr, ptr %words, i64 2
  %let.go = load ptr, ptr %let.go.at
  %fetch.at = getelementptr ptr, ptr %words, i64 3
  %fetch = load ptr, ptr %fetch.at
  %restore.at = getelementptr ptr, ptr %words, i64 4
  %restore = load ptr, ptr %restore.at
  %state = call i32 %ensure()
  call void %fetch(ptr %error, ptr %value, ptr %trace)
  call void %release(ptr %struct)
  %a = load ptr, ptr %error
  %b = load ptr, ptr %value
  %c = load ptr, ptr %trace
  call void %restore(ptr %a, ptr %b, ptr %c)
  call void %let.go(i32 %state)
  ret void
}

define void @array(ptr %struct) {
  %private.at = getelementptr i8, ptr %struct, i64 72
  call void @call(ptr %struct, ptr %private.at)
  ret void
}

define void @schema(ptr %struct) {
  %private.at = getelementptr i8, ptr %struct, i64 64
  call void @call(ptr %struct, ptr %private.at)
  ret void
}
