// Drawing at the pace of the screen.

// A function that has `work` done at the next frame, however often it is called until then.
export function oncePerFrame(work) {
  let due = false;
  return () => {
    if (due) return;
    due = true;
    requestAnimationFrame(() => {
      due = false;
      work();
    });
  };
}
