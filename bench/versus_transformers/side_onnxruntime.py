"""The fine-tuned classifier exported to ONNX, in ONNX Runtime: f32, or dynamically quantised to int8."""
import common
import onnx_rows

job = common.plan()
import onnxruntime

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = job["threads"]
options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
session = onnxruntime.InferenceSession(job["onnx_int8" if job["options"].get("compute") == "int8" else "onnx"], options, providers=["CPUExecutionProvider"])
encode, pad = onnx_rows.encoder(job)
common.finish(**common.measure_predictor(job, encode, lambda rows: session.run(None, pad(rows))[0].argmax(-1)))
