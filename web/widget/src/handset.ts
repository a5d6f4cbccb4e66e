/** The picture on the button. */
export function handset(): SVGElement {
  const made = (name: string, of: Record<string, string>): SVGElement => {
    const node = document.createElementNS('http://www.w3.org/2000/svg', name);
    for (const key in of) node.setAttribute(key, of[key] ?? '');
    return node;
  };
  const svg = made('svg', { viewBox: '0 0 24 24', fill: 'none', stroke: 'currentColor', 'stroke-width': '2', 'aria-hidden': 'true' });
  svg.append(made('path', { d: 'M14 17a1 1 0 0 0 1-.7l.4-.5a2 2 0 0 1 1.6-.8h3a2 2 0 0 1 2 2v3a2 2 0 0 1-2 2A18 18 0 0 1 2 4a2 2 0 0 1 2-2h3a2 2 0 0 1 2 2v3a2 2 0 0 1-.8 1.6l-.5.4a1 1 0 0 0-.3 1.2A14 14 0 0 0 14 17' }));
  return svg;
}
