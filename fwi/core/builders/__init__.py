"""The classical networks, from LeNet-5 to ResNet, built of the layers of `fwi.core`."""

from fwi.core.builders.alexnet import alexnet
from fwi.core.builders.googlenet import googlenet, googlenet_bn
from fwi.core.builders.lenet import lenet
from fwi.core.builders.resnet import cifar_resnet, resnet
from fwi.core.builders.vgg import vgg

__all__ = ["alexnet", "cifar_resnet", "googlenet", "googlenet_bn", "lenet", "resnet", "vgg"]
