"""Source code as it stands in the library, folded, inside a notebook."""

import inspect
from collections.abc import Callable, Iterator
from html import escape
from textwrap import dedent

from IPython.display import HTML
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

# Colours stand in the page itself: JupyterLab has no style sheet for them
PRE = (
    "background: #f6f8fa; color: #1d2733; padding: .8rem 1rem; border-radius: 5px; overflow-x: auto"
)
FORMATTER = HtmlFormatter(noclasses=True, nobackground=True, style="friendly", prestyles=PRE)


def source(*objects: type | Callable, title: str = "") -> HTML:
    """The source of classes and functions, closed until a reader opens it; of a network its loss too.

    A network inherits its loss or writes it in a function beside the class: what `losses` finds follows the class.

    title : what to click on; by default the names of the objects
    """
    shown = list(objects)
    for each in objects:
        shown += [loss for loss in losses(each) if loss not in shown]
    title = title or ", ".join(each.__qualname__ for each in objects)
    return HTML(
        f'<details class="code"><summary>{escape(title)}</summary>{"".join(map(_listed, shown))}</details>'
    )


def losses(network: type | Callable) -> list[Callable]:
    """What the loss of a network consists of beside its class: the ones that it inherits and calls, and functions of
    the library."""
    found = []
    for each in _counted(network):
        inherited = [] if each is vars(network).get("loss") else [each]
        found += [part for part in (*inherited, *_called(each)) if part not in found]
    return found


def _counted(network: type | Callable) -> Iterator[Callable]:
    """The method ``loss`` of a class that learns by it, and those above it that it calls."""
    if not getattr(network, "by_gradient", False):
        return
    for each in network.__mro__:
        if "loss" in vars(each):
            yield vars(each)["loss"]
            if "super().loss" not in inspect.getsource(vars(each)["loss"]):
                return


def _called(function: Callable) -> list[Callable]:
    """Functions of the library that one calls by their names, and that those call."""
    found = []
    for each in inspect.getclosurevars(function).globals.values():
        if inspect.isfunction(each) and each.__module__.startswith("sedutils."):
            found += [called for called in (each, *_called(each)) if called not in found]
    return found


def _listed(each: type | Callable) -> str:
    place = f"{each.__module__.replace('.', '/')}.py · {each.__qualname__}"
    code = highlight(dedent(inspect.getsource(each)), PythonLexer(), FORMATTER)
    return f"<p><code>{escape(place)}</code></p>{code}"
