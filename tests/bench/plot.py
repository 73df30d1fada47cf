# SPDX-License-Identifier: BSD-3-Clause
"""A line chart as SVG: sizes on a logarithmic axis, costs on one that begins at nothing."""
import html
import math

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 300, 56, 170, 34, 40
COLOURS = ["#2a6fbb", "#c2571a", "#3a8a4d", "#8a4fa3"]


def _step(most):
    """Of the axis: 1, 2 or 5 times a power of ten, so that there are about five of them."""
    rough = most / 5
    power = 10 ** math.floor(math.log10(rough))
    return next(power * times for times in (1, 2, 5, 10) if power * times >= rough)


def _short(value):
    for size, letter in ((1_000_000, "M"), (1000, "k")):
        if value >= size:
            return f"{value / size:g} {letter}"
    return f"{value:g}"


def _text(x, y, words, anchor="middle", more=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {more}>{html.escape(words)}</text>'


def svg(title, lines):
    """`lines`: {name: [[size, cost], …]}."""
    sizes = sorted({size for points in lines.values() for size, _ in points})
    step = _step(max(cost for points in lines.values() for _, cost in points))
    most = step * math.ceil(max(cost for points in lines.values() for _, cost in points) / step)
    low, high = math.log10(sizes[0]), math.log10(sizes[-1])

    def x(size):
        return LEFT + (math.log10(size) - low) / ((high - low) or 1) * (WIDTH - LEFT - RIGHT)

    def y(cost):
        return HEIGHT - BOTTOM - cost / most * (HEIGHT - TOP - BOTTOM)

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
           f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>', _text(LEFT, 18, title, "start", 'font-size="14"')]
    for number in range(round(most / step) + 1):
        at = y(number * step)
        out += [f'<path d="M{LEFT} {at:.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>', _text(LEFT - 6, at + 4, f"{number * step:g}", "end")]
    out += [_text(x(size), HEIGHT - BOTTOM + 18, _short(size)) for size in sizes]
    for (name, points), colour in zip(lines.items(), COLOURS):
        path = " ".join(f"{x(size):.1f},{y(cost):.1f}" for size, cost in points)
        out.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        out += [f'<circle cx="{x(size):.1f}" cy="{y(cost):.1f}" r="3" fill="{colour}"><title>{_short(size)}: {cost:.0f} ns</title></circle>'
                for size, cost in points]
        size, cost = points[-1]
        out.append(_text(x(size) + 8, y(cost) + 4, f"{name}, {cost:.0f}", "start", f'fill="{colour}"'))
    return "\n".join(out) + "\n</svg>\n"
