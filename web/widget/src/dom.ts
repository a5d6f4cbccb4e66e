// Elements without markup: nothing here is ever read as HTML, so a page may require Trusted Types.

type Child = Node | string | null | false | undefined;

/** An element with its attributes; those that begin with `on` are listeners. */
export function h<K extends keyof HTMLElementTagNameMap>(name: K, of: Record<string, unknown> = {}, ...children: Child[]): HTMLElementTagNameMap[K] {
  const node = document.createElement(name);
  put(node, of, children);
  return node;
}

/** The same in SVG. */
export function s(name: string, of: Record<string, unknown> = {}, ...children: Child[]): SVGElement {
  const node = document.createElementNS('http://www.w3.org/2000/svg', name);
  put(node, of, children);
  return node;
}

function put(node: Element, of: Record<string, unknown>, children: Child[]): void {
  for (const [key, value] of Object.entries(of)) {
    if (key.startsWith('on')) node.addEventListener(key.slice(2), value as EventListener);
    else if (value !== undefined && value !== false) node.setAttribute(key, value === true ? '' : String(value));
  }
  node.append(...children.filter((child): child is Node | string => Boolean(child)));
}
