"""vl_imreadjpeg: read, crop, resize and recolour images, on threads and ahead of time."""

from __future__ import annotations

import os
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from vlnn.blocks.augmentation import PLAN_OPTIONS, Chances, Plan
from vlnn.engines.cpu import threads
from vlnn.engines.cpu.blas import BLAS
from vlnn.errors import MatConvNetError
from vlnn.matlab.arguments import Option, OptionTable, give, matlab_function, outputs_wanted, plain, received, truncate
from vlnn.matlab.arrays import Array


def _number_of_threads(value: object) -> int:
    elements = plain(value)
    if not elements:
        raise MatConvNetError(f"NUMTHREADS is not a number. Received {received(value)}.")
    return max(truncate(elements[0]), 1)


def _need_cupy(_: object) -> None:
    try:
        import cupy  # noqa: F401
    except ImportError:
        raise MatConvNetError("Not compiled with GPU support. The flag 'GPU' needs CuPy.") from None


def _generator(value: Any) -> np.random.Generator:
    return np.random.default_rng(value)


OPTIONS = OptionTable(
    "vl_imreadjpeg",
    1,
    Option("NumThreads", _number_of_threads, None),
    Option("Prefetch"),
    Option("Verbose"),
    Option("GPU", sticky=_need_cupy),
    Option("rng", _generator, None),
    *PLAN_OPTIONS,
)


@matlab_function(1, "one", "There is less than {} argument.")
def vl_imreadjpeg(files: Any, *args: Any, nargout: int | None = None, **opts: Any) -> Any:
    """Load and transform images.

    ``images = vl_imreadjpeg(files)`` reads the images. ``vl_imreadjpeg(files, 'Prefetch')`` starts to read them and
    returns at once; a later ``images = vl_imreadjpeg(files)`` waits for what is missing and returns them.

    A part of each image, the crop, is resized to the output. The shape of the output is that of the image or the one
    that Resize asks for; the crop has the same shape (CropAnisotropy), as large as the image allows (CropSize), in the
    middle of the image (CropLocation). So ``'Resize', [224, 224]`` takes the largest square in the middle.

    Parameters
    ----------
    files : list of str or paths
        JPEG files, or whatever else Pillow reads.
    nargout : int, optional
        How many outputs to return, 0 or 1.

    Options, as pairs ('Resize', 256) or keywords (resize=256), in any case
    ------------------------------------------------------------------------
    NumThreads : as many as NumPy's BLAS uses
        Read so many images at the same time.
    Prefetch : flag
        Start reading and return None. The options of this call hold; those of the call that fetches do not matter.
    Resize : not specified
        [H W], or the length of the shorter side.
    Pack : flag
        Return one array of all images instead of a list; Resize must be [H W]. Grey images get three channels.
    GPU : flag
        Return arrays of CuPy.
    SubtractAverage : [0 0 0]
        A colour, or a (H, W, 3) image as large as the output, to subtract.
    CropAnisotropy : [1 1]
        The least and the greatest stretch, width by height, of a crop; a random one between them is taken. 0: the crop
        has the shape of the image.
    CropSize : [1 1]
        The least and the greatest size of a crop, as part of the largest possible one; its area is random between them.
    CropLocation : 'center'
        'center', or 'random'.
    Flip : flag
        Swap left and right of every other image, at random.
    Brightness : 0
        Add the colour B w, w three normal random numbers: B is the (3, 3) matrix, its diagonal, or one number.
    Contrast : 0
        Multiply the difference to the mean of each channel by a random number from 1 - C to 1 + C.
    Saturation : 0
        Multiply the difference to each pixel's grey by a random number from 1 - S to 1 + S.
    Interpolation : 'bilinear'
        'box', 'bilinear', 'bicubic', 'lanczos2' or 'lanczos3': those of imresize, with antialiasing.
    rng : None
        What to draw from: a ``numpy.random.Generator``, or a seed for one. By default every call differs.
    Verbose : flag
        Print what is done.

    Returns
    -------
    images : list of (H, W, 3) arrays, single, from 0 to 255 where nothing is done to the colours
        A grey image has one channel. A file that cannot be read gives [] and a warning.
    packed : (H, W, 3, K) array, single, Fortran-ordered
        With Pack. The place of a file that cannot be read is left 0.

    Raises
    ------
    MatConvNetError
        The sentence is MatConvNet's, the rest says what was received.
    ImportError
        Pillow is missing.

    Differs from MatConvNet: Pack returns the array, not a cell with the array in it; reading uses all threads unless
    NumThreads is given; at the borders the kernel sees the image mirrored, as in imresize (MatConvNet repeats the last
    pixel); packed grey images are treated as the grey colour images that they become (MatConvNet subtracts the average
    of the red channel from all three); Brightness is B w for every B (MatConvNet takes the sums of the rows of B, and
    puts green's number elsewhere); a prefetched list is only fetched by the same list (a beginning of it crashes
    MatConvNet); `rng` is our own.

    Source: MatConvNet manual, vl_imreadjpeg; vl_imreadjpeg.cu of 1.0-beta25.

    >>> import tempfile, vlnn
    >>> from PIL import Image
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Image.new('RGB', (40, 30), 'white').save(f'{folder}/white.jpg')
    ...     vlnn.vl_imreadjpeg([f'{folder}/white.jpg'], 'Resize', [8, 8], 'Pack').shape
    (8, 8, 3, 1)
    """
    options = OPTIONS.options(args, opts)
    plan = Plan.of(options)
    names = _names(files)
    outputs_wanted("vl_imreadjpeg", nargout, 1)
    batch = _prefetched.take(names)
    if batch is None:
        if plan.pack and len(plan.resize) != 2:
            raise MatConvNetError(
                f"PACK must be used in combination with resizing to a fixed size. Received Resize {list(plan.resize)}."
            )
        count = options["NumThreads"] or threads.count()
        if options["Verbose"]:
            _report(plan, options["GPU"], count)
        batch = _Batch(names, plan, options["rng"] or np.random.default_rng(), count, options["GPU"])
    if options["Prefetch"]:
        _prefetched.put(names, batch)
        return None
    images = batch.fetch(options["Verbose"])
    return give([images], nargout)


class _Batch:
    """Images that are being read, each a task of its own."""

    def __init__(self, names: list[str], plan: Plan, rng: np.random.Generator, count: int, gpu: bool) -> None:
        _pillow()
        self.names = names
        self.plan = plan
        self.gpu = gpu
        self.packed: Array | None = None
        if plan.pack:
            self.packed = np.zeros((len(names), 3, plan.resize[1], plan.resize[0]), np.float32)
        self._executor = ThreadPoolExecutor(count, thread_name_prefix="vl_imreadjpeg")
        self._tasks = [
            self._executor.submit(self._read, place, name, Chances.draw(rng)) for place, name in enumerate(names)
        ]
        self._executor.shutdown(wait=False)

    def _read(self, place: int, name: str, chances: Chances) -> Array:
        with BLAS.single():  # the files are shared out already
            planes = self.plan.apply(_decode(name), chances)
        if self.packed is None:
            return np.ascontiguousarray(planes).T
        self.packed[place] = planes
        return self.packed[place].T

    def fetch(self, verbose: bool) -> Any:
        """All images, as soon as they are there; warn of those that are not."""
        images = []
        for name, task in zip(self.names, self._tasks, strict=True):
            try:
                image = task.result()
            except _UnreadableError as problem:
                warnings.warn(f"could not read image '{name}' because '{problem}'", RuntimeWarning, stacklevel=4)
                image = np.zeros((0, 0), np.float32)
            else:
                if verbose:
                    height, width, channels = image.shape
                    print(f"{name:>20}: {width} x {height} x {channels}")
            images.append(image)
        return self._delivered(images if self.packed is None else self.packed.T)

    def _delivered(self, images: Any) -> Any:
        if not self.gpu:
            return images
        import cupy

        if isinstance(images, list):
            return [cupy.asarray(image, order="F") for image in images]
        return cupy.asarray(images, order="F")

    def cancel(self) -> None:
        for task in self._tasks:
            task.cancel()


class _Prefetched:
    """The batch that a call with 'Prefetch' left behind, if any."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._names: list[str] = []
        self._batch: _Batch | None = None

    def take(self, names: list[str]) -> _Batch | None:
        """The batch of these files; one of other files is given up."""
        with self._lock:
            batch, self._batch = self._batch, None
            if batch is not None and self._names != names:
                batch.cancel()
                batch = None
            return batch

    def put(self, names: list[str], batch: _Batch) -> None:
        with self._lock:
            self._names, self._batch = names, batch


_prefetched = _Prefetched()


class _UnreadableError(Exception):
    """A file that is not there, is no image, or is damaged."""


def _pillow() -> Any:
    try:
        from PIL import Image
    except ImportError:
        raise ImportError("vl_imreadjpeg needs Pillow: pip install 'vlnn[images]'.") from None
    return Image


def _decode(name: str) -> Array:
    """The bytes of an image, (H, W) of a grey one, else (H, W, 3)."""
    library = _pillow()
    try:
        with library.open(name) as image:
            return np.asarray(image if image.mode in ("L", "RGB") else image.convert("RGB"))
    except (OSError, SyntaxError, ValueError, library.DecompressionBombError) as problem:
        raise _UnreadableError(str(problem)) from None


def _report(plan: Plan, gpu: bool, count: int) -> None:
    print(f"vl_imreadjpeg: gpu mode: {'yes' if gpu else 'no'}")
    print("vl_imreadjpeg: crop anisotropy: [{:.1g}, {:.1g}]".format(*plan.anisotropy))
    print("vl_imreadjpeg: crop size: [{:.1g}, {:.1g}]".format(*plan.crop_size))
    print(f"vl_imreadjpeg: num_threads: {count} requested {count} readers")


def _names(files: Any) -> list[str]:
    if isinstance(files, np.ndarray):
        files = files.ravel(order="F").tolist()
    if not isinstance(files, (list, tuple)):
        raise MatConvNetError(f"FILENAMES is not a cell array of strings. Received {received(files)}.")
    for name in files:
        if not isinstance(name, (str, os.PathLike)):
            raise MatConvNetError(f"FILENAMES contains an entry that is not a string. Received {received(name)}.")
    return [os.fspath(name) for name in files]
