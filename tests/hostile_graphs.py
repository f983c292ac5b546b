"""Hostile graphs of other runtimes: TensorFlow's, LiteRT's, ONNX's; see ``hostile_files``."""


def _writer(canary):
    import tensorflow as tf

    class Writer(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec((None, 4), tf.float32)])
        def serve(self, x):
            with tf.control_dependencies([tf.io.write_file(str(canary), "x")]):
                return tf.identity(x)

    return Writer()


def write_saved_model(path, canary, secret):
    """Make a SavedModel whose network writes a file when it is asked."""
    import tensorflow as tf

    writer = _writer(canary)
    tf.saved_model.save(writer, str(path), signatures={"serve": writer.serve})


def ask_saved_model(path):
    import tensorflow as tf

    return tf.saved_model.load(str(path)).signatures["serve"](tf.zeros((1, 4)))


def write_lite(path, canary, secret):
    import tensorflow as tf

    writer = _writer(canary)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([writer.serve.get_concrete_function()], writer)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS, tf.lite.OpsSet.SELECT_TF_OPS]
    path.write_bytes(converter.convert())


def ask_lite(path):
    import tensorflow as tf

    interpreter = tf.lite.Interpreter(str(path))
    interpreter.resize_tensor_input(interpreter.get_input_details()[0]["index"], (1, 4))
    interpreter.allocate_tensors()
    interpreter.invoke()


def write_external_onnx(path, canary, secret):
    import onnx

    weights = onnx.TensorProto(name="w", data_type=onnx.TensorProto.UINT8, dims=[secret.stat().st_size])
    weights.data_location = onnx.TensorProto.EXTERNAL
    for key, value in (("location", str(secret)), ("offset", "0"), ("length", str(secret.stat().st_size))):
        weights.external_data.add(key=key, value=value)
    kinds = {name: onnx.helper.make_tensor_value_info(name, onnx.TensorProto.UINT8, [None]) for name in "xy"}
    node = onnx.helper.make_node("Identity", ["w"], ["y"])
    graph = onnx.helper.make_graph([node], "graph", [kinds["x"]], [kinds["y"]], [weights])
    model = onnx.helper.make_model(graph, ir_version=8, opset_imports=[onnx.helper.make_opsetid("", 13)])
    path.write_bytes(model.SerializeToString())


def load_onnx(path):
    import onnx

    return onnx.load(str(path)).graph.initializer[0].raw_data


ATTACKS = [
    ("SavedModel", write_saved_model, ask_saved_model),
    (
        "write-file.tflite",
        write_lite,
        ask_lite,
        "the interpreter of TensorFlow 2.21 has LiteRT's operations alone, as LiteRT has",
    ),
    (
        "CVE-2024-27318-external-data.onnx",
        write_external_onnx,
        load_onnx,
        "onnx 1.23 reads no external data outside the model's folder",
    ),
]
