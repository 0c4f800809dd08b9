"""Formulas are read once, as TeX, however an engine shows them."""

import pytest

from tests.core.ingestion.helpers import read_article

FORMULAS = {
    "katex": (
        '<span class="katex"><span class="katex-mathml"><math><semantics><mrow><mi>E</mi></mrow><annotation enc'
        'oding="application/x-tex">E=mc^2</annotation></semantics></math></span><span class="katex-html" aria-h'
        'idden="true">E=mc2</span></span>'
    ),
    "mathjax 2": (
        '<span class="MathJax_Preview">E=mc2</span><span class="MathJax" id="M-1">E=mc2</span><script type="mat'
        'h/tex">E=mc^2</script>'
    ),
    "mathml": '<math alttext="E=mc^2"><mi>E</mi><mo>=</mo><mi>m</mi><msup><mi>c</mi><mn>2</mn></msup></math>',
    "wikipedia": (
        '<span class="mwe-math-element"><span class="mwe-math-mathml-inline" style="display: none;"><math><sema'
        'ntics><mrow><mi>E</mi></mrow><annotation encoding="application/x-tex">{\\displaystyle E=mc^2}</annotat'
        'ion></semantics></math></span><img src="https://w.example/math/render/svg/1" alt="E=mc^2"></span>'
    ),
    "delimiters": "\\(E=mc^2\\)",
    "pandoc": '<span class="math inline">E=mc^2</span>',
    "wordpress": '<img src="https://s0.wp.com/latex.php?latex=E" alt="E=mc^2" class="latex" />',
    "dollars": "$E=mc^2$",
}


@pytest.mark.parametrize("engine", FORMULAS)
def test_formula_is_read_once_as_tex(engine: str) -> None:
    text = read_article(f"<p>Energy is {FORMULAS[engine]} and no more.</p>")
    assert "Energy is $E=mc^2$ and no more." in text


def test_displayed_formula_keeps_its_commands() -> None:
    annotation = '<annotation encoding="application/x-tex">\\frac{a}{b}_1</annotation>'
    math = f'<math display="block"><semantics><mi>x</mi>{annotation}</semantics></math>'
    inner = f'<div><span class="katex-display"><span class="katex">{math}</span></span></div>'
    for markup in (inner, "<div>\\[\\frac{a}{b}_1\\]</div>", "$$\\frac{a}{b}_1$$"):
        assert read_article(markup).count("$$\\frac{a}{b}_1$$") == 1
