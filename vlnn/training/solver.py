"""The solvers of MatConvNet's examples: ``vlnn.solver.adam`` and its siblings.

All have one signature, ``w, state = solver(w, state, grad, opts, lr)``, and ``solver()`` returns the default options. A
solver of one's own is a function of the same kind. The state of a weight that was never updated is the number 0; what a
solver returns as state it is given the next time. Arguments are left as they are.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from vlnn.errors import MatConvNetError
from vlnn.matlab.argparse import absent
from vlnn.matlab.arguments import received
from vlnn.matlab.values import Struct


def adam(w: Any = None, state: Any = 0, grad: Any = None, opts: Any = None, lr: Any = None) -> Any:
    """Adam: steps of about `lr` in each element, whatever the scale of the gradient.

    ``w, state = adam(w, state, grad, opts, lr)``; ``adam()`` returns the default options.

    Parameters
    ----------
    w, grad : arrays of the same size
        The weights, and the derivative of the objective in them.
    state : 0, or a struct m, v, t
        Running averages of grad and of its square, and the number of updates.
    opts : struct
        beta1 (0.9), beta2 (0.999): how long the averages last. eps (1e-8): added to the divisor.
    lr : scalar
        The learning rate.

    Differs from MatConvNet: not.

    Source: Kingma and Ba, "Adam: A Method for Stochastic Optimization"; examples/+solver/adam.m of 1.0-beta25.

    >>> import numpy as np, vlnn
    >>> w, state = vlnn.solver.adam(np.ones((1, 2)), 0, np.array([[1.0, -5.0]]), vlnn.solver.adam(), 0.1)
    >>> w.round(6), state.t
    (array([[0.9, 1.1]]), 1.0)
    """
    if w is None:
        return Struct(beta1=0.9, beta2=0.999, eps=1e-8)
    beta1, beta2, eps = _options("adam", opts, "beta1", "beta2", "eps")
    before = _struct("adam", state, "m", "v", "t")
    m = beta1 * before.m + (1 - beta1) * grad
    v = beta2 * before.v + (1 - beta2) * (grad * grad)
    t = float(before.t) + 1
    rate = lr * ((1 - beta2**t) ** 0.5 / (1 - beta1**t))  # the averages began at zero
    return w - rate * m / (np.sqrt(v) + eps), Struct(m=m, v=v, t=t)


def adagrad(w: Any = None, state: Any = 0, grad: Any = None, opts: Any = None, lr: Any = None) -> Any:
    """AdaGrad: each element's rate falls with the sum of the squares of its gradients.

    ``w, state = adagrad(w, state, grad, opts, lr)``; ``adagrad()`` returns the default options.

    Parameters
    ----------
    w, grad : arrays of the same size
    state : 0, or an array of the size of w
        The sum of the squares of grad.
    opts : struct
        epsilon (1e-10): added to the divisor. rho (1): what the sum is multiplied by before each update; less than 1
        keeps the rates from falling to nothing.
    lr : scalar

    Differs from MatConvNet: not.

    Source: Duchi, Hazan and Singer, "Adaptive Subgradient Methods"; examples/+solver/adagrad.m of 1.0-beta25.

    >>> import numpy as np, vlnn
    >>> w, state = vlnn.solver.adagrad(np.ones((1, 2)), 0, np.array([[1.0, -5.0]]), vlnn.solver.adagrad(), 0.1)
    >>> w.round(6), state
    (array([[0.9, 1.1]]), array([[ 1., 25.]]))
    """
    if w is None:
        return Struct(epsilon=1e-10, rho=1.0)
    epsilon, rho = _options("adagrad", opts, "epsilon", "rho")
    squares = rho * _array(state) + grad * grad
    return w - lr * grad / (np.sqrt(squares) + epsilon), squares


def rmsprop(w: Any = None, state: Any = 0, grad: Any = None, opts: Any = None, lr: Any = None) -> Any:
    """RMSProp: the gradient over its root mean square.

    ``w, state = rmsprop(w, state, grad, opts, lr)``; ``rmsprop()`` returns the default options.

    Parameters
    ----------
    w, grad : arrays of the same size
    state : 0, or an array of the size of w
        The running average of the square of grad.
    opts : struct
        epsilon (1e-8): added to the divisor. rho (0.99): how long the average lasts.
    lr : scalar

    Differs from MatConvNet: not.

    Source: Tieleman and Hinton, "Lecture 6.5 - RMSProp"; examples/+solver/rmsprop.m of 1.0-beta25.

    >>> import numpy as np, vlnn
    >>> w, state = vlnn.solver.rmsprop(np.ones((1, 2)), 0, np.array([[1.0, -5.0]]), vlnn.solver.rmsprop(), 0.01)
    >>> w.round(6)
    array([[0.9, 1.1]])
    """
    if w is None:
        return Struct(epsilon=1e-8, rho=0.99)
    epsilon, rho = _options("rmsprop", opts, "epsilon", "rho")
    squares = rho * _array(state) + (1 - rho) * (grad * grad)
    return w - lr * grad / (np.sqrt(squares) + epsilon), squares


def adadelta(w: Any = None, state: Any = 0, grad: Any = None, opts: Any = None, lr: Any = None) -> Any:
    """AdaDelta: steps whose size follows that of earlier steps; the learning rate is not used.

    ``w, state = adadelta(w, state, grad, opts, lr)``; ``adadelta()`` returns the default options.

    Parameters
    ----------
    w, grad : arrays of the same size
    state : 0, or a struct g_sqr, delta_sqr
        Running averages of the squares of grad and of the steps.
    opts : struct
        epsilon (1e-6): added to both averages. rho (0.9): how long they last.
    lr : scalar
        Has no effect.

    Differs from MatConvNet: not.

    Source: Zeiler, "ADADELTA: An Adaptive Learning Rate Method"; examples/+solver/adadelta.m of 1.0-beta25.

    >>> import numpy as np, vlnn
    >>> w, state = vlnn.solver.adadelta(np.ones((1, 1)), 0, np.ones((1, 1)), vlnn.solver.adadelta())
    >>> w.round(6)
    array([[0.996838]])
    """
    if w is None:
        return Struct(epsilon=1e-6, rho=0.9)
    epsilon, rho = _options("adadelta", opts, "epsilon", "rho")
    before = _struct("adadelta", state, "g_sqr", "delta_sqr")
    squares = rho * before.g_sqr + (1 - rho) * (grad * grad)
    step = -np.sqrt((before.delta_sqr + epsilon) / (squares + epsilon)) * grad
    steps = rho * before.delta_sqr + (1 - rho) * (step * step)
    return w + step, Struct(g_sqr=squares, delta_sqr=steps)


SOLVERS = {function.__name__: function for function in (adam, adagrad, rmsprop, adadelta)}


def _options(name: str, opts: Any, *fields: str) -> list[float]:
    """The numbers in the options of a solver."""
    missing = [field for field in fields if not isinstance(opts, dict) or field not in opts]
    if missing:
        raise MatConvNetError(
            f"Reference to non-existent field '{missing[0]}'. The options of {name} are {', '.join(fields)}; "
            f"{name}() returns them. Received {received(opts)}."
        )
    return [float(np.ravel(opts[field])[0]) for field in fields]


def _struct(name: str, state: Any, *fields: str) -> Struct:
    """A state that is a struct; its fields are 0 before the first update."""
    if isinstance(state, dict) and set(fields) <= set(state):
        return Struct(state, **{field: _array(state[field]) for field in fields})
    if isinstance(state, dict) or not _is_zero(state):
        raise MatConvNetError(
            f"The state is none of {name}'s: 0 or a struct with the fields {', '.join(fields)}. Received "
            f"{received(state)}. A checkpoint of another solver cannot be continued: give another 'expDir', or "
            "'continue', False."
        )
    return Struct(dict.fromkeys(fields, 0.0))


def _array(state: Any) -> Any:
    """A state that is an array; a number where it was never used."""
    if isinstance(state, dict):
        raise MatConvNetError(
            f"The state is that of another solver. Received {received(state)}. Give another 'expDir', or 'continue', "
            "False."
        )
    return float(np.ravel(state)[0]) if _is_number(state) else state


def _is_number(state: Any) -> bool:
    return isinstance(state, (int, float)) or (
        isinstance(state, np.ndarray) and state.dtype == float and state.size == 1
    )


def _is_zero(state: Any) -> bool:
    return absent(state) or (_is_number(state) and not np.any(state))
