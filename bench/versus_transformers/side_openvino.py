"""The fine-tuned classifier exported to ONNX, in OpenVINO, f32."""
import common
import onnx_rows

job = common.plan()
import openvino

core = openvino.Core()
compiled = core.compile_model(core.read_model(job["onnx"]), "CPU",
                              {"INFERENCE_NUM_THREADS": job["threads"], "INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"})
request = compiled.create_infer_request()
encode, pad = onnx_rows.encoder(job)
common.finish(**common.measure_predictor(job, encode, lambda rows: request.infer(pad(rows))[compiled.outputs[0]].argmax(-1)))
