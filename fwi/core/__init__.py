"""The from-scratch engine: layers, losses, optimizers and networks, with derivatives by hand.

It runs on any array library that array-api-compat knows: NumPy, torch, CuPy.
"""

from fwi.core import losses
from fwi.core.activations import Dropout, LeakyReLU, ReLU, Sigmoid, Softmax
from fwi.core.containers import Concat, Residual, Sequential
from fwi.core.convolution import Conv2d
from fwi.core.dead import dead_units
from fwi.core.diagnostics import (
    activation_statistics,
    gradient_statistics,
    parameter_statistics,
    summary,
)
from fwi.core.layer import Layer
from fwi.core.linear import Linear
from fwi.core.network import Network
from fwi.core.normalisation import BatchNorm, LayerNorm
from fwi.core.optimizers import SGD, AdaGrad, Adam, AdamW, Momentum, Nesterov, RMSProp
from fwi.core.padding import ZeroPad
from fwi.core.pooling import AvgPool2d, Flatten, GlobalAvgPool, MaxPool2d
from fwi.core.storage import load_network, load_optimizer, save_network

__all__ = [
    "SGD",
    "AdaGrad",
    "Adam",
    "AdamW",
    "AvgPool2d",
    "BatchNorm",
    "Concat",
    "Conv2d",
    "Dropout",
    "Flatten",
    "GlobalAvgPool",
    "Layer",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "MaxPool2d",
    "Momentum",
    "Nesterov",
    "Network",
    "RMSProp",
    "ReLU",
    "Residual",
    "Sequential",
    "Sigmoid",
    "Softmax",
    "ZeroPad",
    "activation_statistics",
    "dead_units",
    "gradient_statistics",
    "load_network",
    "load_optimizer",
    "losses",
    "parameter_statistics",
    "save_network",
    "summary",
]
