import { type Camera, COLUMN, type Size, toScreen } from "./camera";
import type { Scale } from "./place";

const APART = 172;

/** Moments along the top of the time line, as many as have room. */
export function drawAxis(
  place: HTMLElement,
  camera: Camera,
  size: Size,
  scale: Scale | undefined,
  write: (time: number) => string,
) {
  if (!scale) {
    if (place.firstChild) place.replaceChildren();
    return;
  }
  const marks: HTMLElement[] = [];
  let free = 0;
  scale.times.forEach((time, i) => {
    const { x } = toScreen(camera, size, { x: (scale.columns[i] ?? 0) * COLUMN, y: 0 });
    if (x < free || x < 0 || x > size.width - 40) return;
    free = x + APART;
    const mark = document.createElement("span");
    mark.textContent = write(time);
    mark.style.left = `${Math.round(x)}px`;
    marks.push(mark);
  });
  place.replaceChildren(...marks);
}
