#!/usr/bin/env python3
"""Draws the model's diagram: scripts/draw_model.py > docs/pictures/model.svg"""

WIDTH, HEIGHT = 880, 330
COLOURS = {"input": "#c2541b", "target": "#1f6fb2", "both": "#444444", "output": "#2f7d32"}
parts = []


def text(x, y, words, size=13, weight="normal", fill="#1a1a1a", anchor="middle"):
    parts.append(f'<text x="{x}" y="{y}" font-size="{size}" font-weight="{weight}" fill="{fill}" '
                 f'text-anchor="{anchor}">{words}</text>')


def box(x, y, width, height, title, lines=(), kind="both"):
    """A box whose title and lines stand in its middle."""
    parts.append(f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="6" fill="#ffffff" '
                 f'stroke="{COLOURS[kind]}" stroke-width="1.6"/>')
    top = y + height / 2 + 4.5 - 8 * len(lines)
    text(x + width / 2, top, title, weight="bold")
    for k, line in enumerate(lines):
        text(x + width / 2, top + 16 * (k + 1), line, size=11.5)


def arrow(points, kind="both"):
    """A line through the points, with a head at the last."""
    path = " ".join(f"{x},{y}" for x, y in points)
    parts.append(f'<polyline points="{path}" fill="none" stroke="{COLOURS[kind]}" stroke-width="1.6" '
                 f'marker-end="url(#{kind})"/>')


for kind, y, name, hint in (("input", 70, "input", "drums, say"), ("target", 210, "target", "a piano, say")):
    middle = y + 35
    text(43, middle - 2, name, weight="bold", fill=COLOURS[kind])
    text(43, middle + 14, hint, size=11.5)
    arrow([(84, middle), (102, middle)], kind)
    box(104, y, 74, 70, "encoder", ["codec"], kind)
    arrow([(178, middle), (220, middle)], kind)
    text(210, middle + (17 if name == "input" else -8), "z<tspan font-size=\"9\" dy=\"3\">%s</tspan>" % name[0], fill=COLOURS[kind])
    box(222, y - 18, 126, 106, "extractor", ["rhythm: kernels 3, 5", "harmony: 7, 9", "timbre: 15, 21"], kind)

arrow([(348, 105), (384, 140)], "input")
arrow([(348, 245), (384, 210)], "target")
box(386, 128, 112, 94, "selector", ["a weight for each", "of 6 components", "in each frame"])
arrow([(498, 175), (518, 175)])
box(520, 128, 92, 94, "composer", ["transformer"])
arrow([(612, 175), (644, 175)])
text(627, 167, "z")
box(646, 118, 104, 114, "output part", ["gates, or", "cascade, or", "direct"])
arrow([(750, 175), (772, 175)], "output")
box(774, 140, 82, 70, "decoder", ["codec"], "output")
arrow([(815, 140), (815, 106)], "output")
text(815, 98, "output", weight="bold", fill=COLOURS["output"])

# both sources' latents go to the output part, too
arrow([(198, 105), (198, 30), (698, 30), (698, 116)], "input")
arrow([(198, 245), (198, 318), (698, 318), (698, 234)], "target")
text(448, 24, "latents of the input", size=11.5, fill=COLOURS["input"])
text(448, 312, "latents of the target", size=11.5, fill=COLOURS["target"])

print(f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}" '
      'font-family="Helvetica, Arial, sans-serif" role="img" aria-label="The model, from two recordings to a third">')
print('<defs>')
for kind, colour in COLOURS.items():
    print(f'<marker id="{kind}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
          f'<path d="M0,0 L8,4 L0,8 z" fill="{colour}"/></marker>')
print('</defs>')
print(f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>')
print("\n".join(parts))
print("</svg>")
