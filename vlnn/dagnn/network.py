"""DagNN: networks with any topology."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np

from vlnn.dagnn import evaluation, loading, printing, saving, sizes
from vlnn.dagnn.extents import Size
from vlnn.dagnn.from_simplenn import convert
from vlnn.dagnn.graph import Graph
from vlnn.dagnn.prediction import predict
from vlnn.dagnn.reading import empty, options_of
from vlnn.dagnn.records import blank
from vlnn.matlab.devices import gpu, move_to
from vlnn.matlab.values import Struct


class DagNN(Graph):
    """A network whose layers form a directed acyclic graph, MatConvNet's dagnn.DagNN.

    Layers read and write variables, which have names, and use parameters, which have names too; a parameter that
    several layers name is shared. What MatConvNet counts from 1 counts from 0 here: ``net.vars[net.getVarIndex('x')]``.

    Attributes
    ----------
    layers : list
        Elements have name, inputs, outputs, params, inputIndexes, outputIndexes, paramIndexes, forwardTime,
        backwardTime (in seconds) and block.
    vars : list
        Elements have name, value, der, fanin, fanout and precious.
    params : list
        Elements have name, value, der, fanout, trainMethod ('gradient' or 'average'), learningRate and weightDecay.
    meta : Struct
        What else there is to know, such as meta.normalization.
    mode : 'normal'
        'normal' for training ('train' is the same) or 'test'.
    conserveMemory : True
        Forget variables as soon as nobody needs them, except outputs and those that are precious. An evaluation with
        derivatives also forgets outputs.
    accumulateParamDers : False
        Add derivatives of parameters to those that are there already.
    holdOn : False
        Do not send derivatives to the parameter server yet.
    parameterServer : None
        An object with MatConvNet's methods register, start, stop and pushWithIndex.
    device : 'cpu'
        Where the parameters are; ``move`` changes it.
    rng : None
        Where DropOut and ``initParams`` draw numbers: a ``numpy.random.Generator`` or a seed. None: anew each time.

    >>> import numpy as np
    >>> from vlnn import dagnn
    >>> net = dagnn.DagNN()
    >>> net.addLayer('conv', dagnn.Conv(size=[3, 3, 1, 2], pad=1), 'x', 'y', ['f', 'b'])
    >>> net.addLayer('relu', dagnn.ReLU(), 'y', 'z')
    >>> net.initParams()
    >>> net.eval(['x', np.ones((5, 4), np.float32)])
    >>> net.getVar('z').value.shape
    (5, 4, 2, 1)
    """

    def eval(self, inputs: Any, derOutputs: Any = None, *args: Any, **opts: Any) -> None:
        """Evaluate the network, and with `derOutputs` its derivatives.

        ``net.eval(['x', x])`` or ``net.eval({'x': x})`` computes all variables that follow from x.
        ``net.eval(['x', x, 'label', c], ['objective', 1])`` also computes the derivatives of variables and parameters.

        Parameters
        ----------
        inputs : list ['name', value, ...] or dict
            The values of variables. A layer of which an input has no value is skipped.
        derOutputs : list ['name', derivative, ...] or dict, optional
            The derivatives of the network's loss in its outputs.

        Options
        -------
        holdOn : False
            Do not send derivatives of parameters to the parameter server yet.

        Raises
        ------
        MatConvNetError
            MatConvNet's sentences, "No variable of name 'x' could be found in the DAG." among them; those of blocks,
            with the layer in which they came up.

        Results are in ``net.vars`` and ``net.params``. See ``conserveMemory`` for what stays there.
        """
        values = evaluation.pairs_of("INPUTS", inputs)
        self.computingDerivative = not empty(derOutputs)
        derivatives = evaluation.pairs_of("DEROUTPUTS", derOutputs) if self.computingDerivative else {}
        options = options_of({"holdOn": False}, args, opts)
        evaluation.set_values(self, values)
        self.numPendingVarRefs = [var.fanout for var in self.vars]
        evaluation.forward(self, self.executionOrder)
        if not self.computingDerivative:
            evaluation.warn_of_mode(self)
            return
        self.holdOn = bool(options["holdOn"])
        evaluation.set_derivatives(self, derivatives)
        self.numPendingVarRefs = [0] * len(self.vars)
        self.numPendingParamRefs = [0] * len(self.params)
        evaluation.backward(self, reversed(self.executionOrder))

    def predict(self, x: Any, outputs: Any = None) -> Any:
        """Apply the network: in mode 'test', without its losses, and without a trace in the network.

        Parameters
        ----------
        x : array, or dict {'name': array}
            The network's input, or its inputs by their names. They are converted to the class of the first parameter,
            single where there are none, and so are parameters of another class.
        outputs : names, optional
            The variables to return. The output of a softmax loss, or 'prob' if no variable is called that, stands for
            the softmax of what goes into it, unless x has its labels. So does 'prediction' for y.

        Returns
        -------
        y : array
            The network's output; if it has several, that of the last layer in ``layers``.
        ys : dict {'name': array}, if there are `outputs`

        Raises
        ------
        MatConvNetError
            For names that do not exist, inputs that are missing, blocks that are not known, what blocks refuse.
        """
        return predict(self, x, outputs)

    def getVarSizes(self, inputSizes: Any = ()) -> list[Size]:
        """The size of each variable, given those of the inputs: ['x', [224, 224, 3, 10]] or {'x': (224, 224, 3, 10)}.

        NaN is for what is not known.
        """
        return sizes.var_sizes(self, inputSizes)

    def getVarReceptiveFields(self, var: Any) -> Any:
        """The receptive field of each variable in one of them, given by name or position; for a list a list of lists.

        A field has size, stride and offset, each (y, x). They are empty if the variable does not depend on `var`, and
        NaN where there is no sliding window.
        """
        return sizes.receptive_fields(self, var)

    def print(self, inputSizes: Any = (), *args: Any, nargout: int | None = None, **opts: Any) -> str | None:
        """Show the network as tables, or as a graph for Graphviz. Returns the text, too.

        With ``nargout=1`` nothing is printed, with 0 nothing returned.

        Parameters
        ----------
        inputSizes : list ['name', size, ...] or dict, optional
            See ``getVarSizes``.

        Options, as pairs ('all', True) or keywords (all=True), in any case
        -------------------------------------------------------------------
        all : False
            Show everything.
        format : 'ascii'
            'ascii', 'latex', 'csv' or 'dot'.
        layers : '*', parameters : [], variables : [] ('*' with inputSizes)
            Which to show: '*' for all, names or positions.
        memory : True
            Show how much memory parameters and variables take.
        dependencies : the value of all
            Show receptive fields.
        maxNumColumns : 18
            Of a table, before it is broken.
        figurePath : ''
            For 'dot': a file for which ``dot`` is run; the graph is written beside it.
        dotArgs : ''
            Further arguments of ``dot``.
        """
        return printing.show(self, inputSizes, args, opts, nargout)

    @staticmethod
    def fromSimpleNN(net: Any, *args: Any, **opts: Any) -> DagNN:
        """A DagNN from a SimpleNN network; its variables are x0, x1, ..., its labels label, label1, ....

        Option: canonicalNames (False). True calls the input 'input', what goes into a softmax or a softmax loss
        'prediction', what comes out 'prob' or 'objective'.
        """
        dag = DagNN()
        convert(dag, net, args, opts)
        return dag

    @staticmethod
    def loadobj(s: Any, tolerant: bool = False) -> DagNN:
        """A DagNN from a struct, from a file (or its path), or the DagNN itself.

        Blocks of classes that nobody registered become ``dagnn.Unknown``. A property that MatConvNet's class does not
        have is an error; with `tolerant` it is kept, with a warning.

        Raises
        ------
        MatConvNetError
            "Invalid model." for what is no network; "No property `x` for a layer of type `dagnn.Conv`."
        """
        if isinstance(s, DagNN):
            return s
        dag = DagNN()
        simple = loading.load(dag, s, tolerant)
        return dag if simple is None else DagNN.fromSimpleNN(simple)

    def saveobj(self) -> Struct:
        """The network as a struct of MATLAB's values, which MatConvNet loads."""
        return saving.struct_of(self)

    def save(self, path: str | Path, **options: Any) -> None:
        """Write a .mat file with the variables vars, params, layers and meta, which MatConvNet loads.

        Options are those of ``vlnn.savemat``.
        """
        saving.save(self, path, options)

    def initParams(self) -> None:
        """Give the parameters of every layer first values."""
        for layer in self.layers:
            for p, value in zip(layer.paramIndexes, layer.block.initParams(), strict=False):
                self.params[p].value = move_to(value, self.device)

    def move(self, device: str) -> None:
        """Move the parameters to the 'gpu' or the 'cpu'. Variables are reset."""
        if device not in ("cpu", "gpu"):
            raise ValueError(f"A network moves to 'cpu' or 'gpu'. Received {device!r}.")
        if device == "gpu":
            gpu()
        self.reset()
        for param in self.params:
            param.value = move_to(param.value, device)
        for layer in self.layers:
            layer.block.move(device)
        self._device = device

    def reset(self) -> None:
        """Forget values of variables, derivatives, averages of losses, and the parameter server."""
        self.clearParameterServer()
        for var in self.vars:
            var.value = var.der = None
        for param in self.params:
            param.der = None
        for layer in self.layers:
            layer.block.reset()

    def copy(self) -> DagNN:
        """A network of its own with the same layers and parameters, reset."""
        before = self.vars, self.parameterServer
        self.vars, self.parameterServer = [blank(var) for var in self.vars], None
        try:
            twin = copy.deepcopy(self)
        finally:
            self.vars, self.parameterServer = before
        twin.reset()
        return twin

    def setParameterServer(self, ps: Any) -> None:
        """Let a parameter server add up the derivatives of parameters; ``der`` is then always None."""
        self.parameterServer = ps
        for param in self.params:
            value = param.value
            device = "cpu" if isinstance(value, np.ndarray) else "gpu"
            ps.register(param.name, np.shape(value), "single" if value.dtype == np.float32 else "double", device)
        ps.start()

    def clearParameterServer(self) -> None:
        """Stop using the parameter server."""
        if self.parameterServer is not None:
            self.parameterServer.stop()
        self.parameterServer = None

    def __repr__(self) -> str:
        inputs, outputs = ", ".join(self.getInputs()), ", ".join(self.getOutputs())
        return f"DagNN({len(self.layers)} layers, {inputs} -> {outputs}, mode '{self.mode}', on the {self.device})"
