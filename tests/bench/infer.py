"""What onnxruntime takes for a run of each model named, microseconds of processor time: the least mean of 20 x 200."""
import sys
import time

import numpy
import onnxruntime

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
for path in sys.argv[1:]:
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    noise = numpy.random.default_rng(0)
    feed = {i.name: noise.normal(0, 20, i.shape).astype("f4") for i in session.get_inputs()}
    for _ in range(50):
        session.run(None, feed)
    least = float("inf")
    for _ in range(20):
        began = time.process_time_ns()
        for _ in range(200):
            session.run(None, feed)
        least = min(least, (time.process_time_ns() - began) / 200e3)
    print(least)
