"""Training: cnn_train, cnn_train_dag, and the solvers of MatConvNet's examples.

::

    train_simplenn.py, train_dagnn.py   the two functions: what they do with their kind of network
    trainer.py                          what they have in common
    options.py                          their options
    update.py, solver.py                how weights are learned
    batches.py                          parts of batches, and fetching them ahead
    error_functions.py                  what is counted beside the objective
    checkpoints.py, plots.py            the files of an epoch
    progress.py, interruption.py        what is printed, and Ctrl-C
    workers.py, server.py, nccl.py      several processes
"""
