"""Runner: a network applied to one picture after another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np

from vlnn.blocks.nnsoftmax import vl_nnsoftmax
from vlnn.dagnn import DagNN, Loss
from vlnn.dagnn.extents import UNKNOWN_SIZE
from vlnn.errors import MatConvNetError
from vlnn.geometry import sizes
from vlnn.inference import luma
from vlnn.matlab.arrays import Array
from vlnn.matlab.colour import im2uint8
from vlnn.matlab.images import imresize
from vlnn.preprocessing import Normalization
from vlnn.preprocessing.pictures import picture_of, sources
from vlnn.simplenn import SimpleNN
from vlnn.simplenn.move import vl_simplenn_move
from vlnn.summary.description import colour_order
from vlnn.summary.graph import as_graph, roles_of, sizes_of

Network: TypeAlias = SimpleNN | DagNN
Colour: TypeAlias = Literal["luma", "each", "grey"]


@dataclass(frozen=True)
class Plan:
    """How pictures go through a network.

    Attributes
    ----------
    output : str, optional
        The variable, or layer, to return instead of the network's output.
    resize : (height, width), number or 'none', optional
        Bring pictures to this size, or make them so many times as large, instead of what net.meta says; 'none' leaves
        them as large as they are.
    scale : float, optional
        What pixels from 0 to 255 are multiplied by, before the average is subtracted. By default 1, or 1/255 where
        net.meta speaks of pictures from 0 to 1, or says nothing.
    crop : True
        False: stretch whole pictures, whatever border or cropSize say.
    bgr : False
        Give the network blue, green and red.
    residual : False
        The result is the input minus the output: the network predicts noise.
    colour : 'luma', 'each' or 'grey'
        Colour pictures in a network that maps one channel to a picture: through it goes the luma, or each colour, or
        the picture made grey.
    noise : float, optional
        The level of noise, from 0 to 255, that networks such as FFDNet are told.
    batch : 16
        The most pictures that go through at once.
    gpu : False
    """

    output: str | None = None
    resize: tuple[int, int] | float | str | None = None
    scale: float | None = None
    crop: bool = True
    bgr: bool = False
    residual: bool = False
    colour: Colour = "luma"
    noise: float | None = None
    batch: int = 16
    gpu: bool = False


class Outcome(NamedTuple):
    """What came out for a picture.

    Attributes
    ----------
    name : str
        The picture's.
    output : (H, W, C) array
    scores : (C,) array, or None
        Of classes; probabilities where a softmax follows in the network.
    picture : (H, W) or (H, W, 3) array in uint8, or None
        For networks that make pictures.
    """

    name: str
    output: Array
    scores: Array | None
    picture: Array | None


class _Prepared(NamedTuple):
    """A picture ready for the network.

    Attributes
    ----------
    name : str
    x : (H, W, C, 1) array, or (H, W, 1, 3) where each colour goes by itself
    scale : float
        What pixels from 0 to 255 were multiplied by.
    maps : bool
        Whether a picture is to come out.
    chroma : (H, W, 2) array, or None
        What does not go through the network.
    """

    name: str
    x: Array
    scale: float
    maps: bool
    chroma: Array | None = None


class Runner:
    """A network, and how pictures go through it.

    >>> import numpy as np, vlnn
    >>> from vlnn.inference import Plan, Runner
    >>> layer = {'type': 'pool', 'pool': 4, 'stride': 4, 'method': 'avg'}
    >>> net = vlnn.vl_simplenn_tidy({'layers': [layer], 'meta': {'inputSize': [4, 4, 3]}})
    >>> (outcome,) = Runner(net, Plan()).run([('white', np.full((8, 8, 3), 255, np.uint8))])
    >>> outcome.scores
    array([255., 255., 255.], dtype=float32)
    """

    def __init__(self, net: Network, plan: Plan) -> None:
        self.net = net
        self.plan = plan
        self.graph = as_graph(net)
        self.roles = roles_of(self.graph)
        if len(self.roles.inputs) != 1:
            names = ", ".join(self.roles.inputs) or "none"
            raise MatConvNetError(
                f"The network does not have one input, which could be a picture; it has {names}. "
                "net.predict({'name': array, ...}) takes several."
            )
        self.output = plan.output or (self.roles.outputs[-1] if self.roles.outputs else "")
        self.normalization = Normalization.of(net)
        if plan.gpu:
            if isinstance(net, DagNN):
                net.move("gpu")
            else:
                self.net = vl_simplenn_move(net, "gpu")

    @property
    def notes(self) -> list[str]:
        """What had to be assumed, because net.meta does not say it, and what looks as if it were not meant."""
        plan = self.plan
        if colour_order(self.normalization) == "BGR" and not plan.bgr:
            return ["The average rises from channel to channel, as in networks that take BGR (--bgr)."]
        if self.normalization.stated or (plan.scale is not None and plan.resize is not None):
            return []
        assumed = []
        if plan.scale is None:
            assumed.append("from 0 to 1 (--scale)")
        if plan.resize is None:
            assumed.append("as large as they are (--resize)")
        return [f"net.meta says nothing about pictures: they go in {' and '.join(assumed)}."]

    def run(self, images: Iterable[tuple[str, Any]]) -> Iterator[Outcome]:
        """Apply the network to pictures, each a name and a file or an array, in their order.

        Pictures of one size go through together, but for those of which pictures are made, which need the memory.

        Raises
        ------
        MatConvNetError
            As ``preprocess`` and ``predict`` do.
        """
        waiting: list[_Prepared] = []
        for name, image in images:
            (source,) = sources(image)
            ready = self._ready(name, picture_of(source))
            full = len(waiting) == self.plan.batch or ready.maps
            if waiting and (full or waiting[0].x.shape != ready.x.shape):
                yield from self._through(waiting)
                waiting = []
            waiting.append(ready)
        if waiting:
            yield from self._through(waiting)

    def _ready(self, name: str, picture: Array) -> _Prepared:
        plan, said = self.plan, self.normalization
        if isinstance(plan.resize, (int, float)):
            picture = imresize(picture, plan.resize)
        wanted = self._normalization(picture)
        channels = self._channels_drawn(picture, wanted)
        maps = channels > 0
        scale = plan.scale
        if scale is None:
            trained_from_0_to_1 = not said.stated or (maps and not said.average.any())
            scale = 1 / 255 if trained_from_0_to_1 else said.scale
        wanted = replace(wanted, scale=scale)
        if plan.bgr and picture.shape[2] == 3:
            picture = picture[..., ::-1]
        of_colours = channels == 1 and wanted.channels == 1 and picture.shape[2] == 3
        if of_colours and plan.colour == "luma":
            brightness, chroma = luma.split(picture)
            return _Prepared(name, wanted.apply(255 * brightness), scale, maps, chroma)
        if of_colours and plan.colour == "each":
            picture = picture[:, :, None]
        return _Prepared(name, wanted.apply(picture), scale, maps)

    def _normalization(self, picture: Array) -> Normalization:
        """What is done to a picture, but for the scale.

        A network that makes pictures of pictures takes them as large as they are: the size of which net.meta tells is
        that of the patches on which it was trained.
        """
        said = self.normalization if self.plan.crop else replace(self.normalization, crop=(1, 1), keep_aspect=False)
        if isinstance(self.plan.resize, tuple):
            return replace(said, size=self.plan.resize)
        if said.average.shape[:2] != (1, 1):
            return said
        free = replace(said, size=None, crop=(1, 1), keep_aspect=False)
        return free if self.plan.resize is not None or self._channels_drawn(picture, free) else said

    def _channels_drawn(self, picture: Array, wanted: Normalization) -> int:
        """The channels of the picture that comes out for a picture; 0 if something else does."""
        size = wanted.size or picture.shape[:2]
        channels = wanted.channels or picture.shape[2]
        found = sizes_of(self.graph, {self.roles.inputs[0]: (*size, channels, 1)}).get(self.output, UNKNOWN_SIZE)
        return int(found[2]) if _is_picture(found, size) else 0

    def _through(self, batch: Sequence[_Prepared]) -> Iterator[Outcome]:
        """Several pictures of one size, together."""
        x = batch[0].x if len(batch) == 1 else np.concatenate([each.x for each in batch], axis=3)
        output = self.plan.output
        given = x if self.plan.noise is None else {"input": x, "sigmas": self.plan.noise * batch[0].scale}
        result = self.net.predict(given) if output is None else self.net.predict(given, [output])[output]
        y = result if isinstance(result, np.ndarray) else result.get()
        y = y.reshape(*y.shape, *(1,) * (4 - y.ndim))
        count = batch[0].x.shape[3]
        if y.shape[3] != len(batch) * count:
            raise MatConvNetError(
                f"The output '{self.output}' does not belong to single pictures: it is {sizes(y.shape)} for "
                f"{len(batch)} of them."
            )
        for at, each in enumerate(batch):
            yield self._outcome(each, y[..., at * count : (at + 1) * count])

    def _outcome(self, ready: _Prepared, y: Array) -> Outcome:
        if self.plan.residual:
            if y.shape != ready.x.shape:
                raise MatConvNetError(
                    f"{ready.name}: the residual is the input minus the output, which have different sizes. The input "
                    f"is {sizes(ready.x.shape)}, the output {sizes(y.shape)}."
                )
            y = ready.x - y
        output = y[:, :, 0] if y.shape[3] == 3 else y[..., 0]  # (H, W, C); each colour may have gone by itself
        if y.shape[0] * y.shape[1] == 1 and y.shape[2] > 1:
            scores = vl_nnsoftmax(y) if self.softmax_follows else y
            return Outcome(ready.name, output, scores.ravel(), None)
        drawable = ready.maps or _is_picture(y.shape, ready.x.shape[:2])
        return Outcome(ready.name, output, None, self._picture(ready, output) if drawable else None)

    def _picture(self, ready: _Prepared, values: Array) -> Array:
        """An output as a picture; its values have the scale of the input."""
        values = values.astype(np.float64) / (255 * ready.scale)
        if ready.chroma is not None:
            values = luma.join(values, ready.chroma)
        if self.plan.bgr and values.shape[2] == 3:
            values = values[..., ::-1]
        picture: Array = im2uint8(values)
        return picture[..., 0] if picture.shape[2] == 1 else picture

    @property
    def softmax_follows(self) -> bool:
        """Whether a loss that is left out makes probabilities of the output."""
        losses = [self.graph.layers[at] for at in self.roles.losses]
        return any(
            isinstance(layer.block, Loss) and layer.block.loss == "softmaxlog" and layer.inputs[0] == self.output
            for layer in losses
        )


def _is_picture(size: Sequence[float], given: Sequence[int]) -> bool:
    """Whether an output is a picture: of one or three channels, more than half as high and as wide as what went in."""
    return size[2] in (1, 3) and all(out > max(1, side / 2) for out, side in zip(size[:2], given, strict=True))
