/** Writes text where it differs: what is the same costs no layout. Text from the program is only ever written by this. */
export function write(element, value) {
  if (element.textContent !== value) element.textContent = value;
}
