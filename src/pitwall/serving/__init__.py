"""Serving: predictions by HTTP and on the stream.

It takes champions from the registry, features from the online store, the offline store or the
features topic, and gives predictions: as answers, on `p424-predictions`, and with the features that
each was made from on `p424-served`. It may import training, models, stores, features, kafka and the
rooms below.

app         the HTTP paths                    answering   from a question to an answer
answers     questions and answers, typed      problems    refusals with code and remedy
parts       what answering needs              metrics     what Prometheus reads
limits      tokens, rate, size and time       listen      address, certificate, trust
reader      one row of the online store       past        one row of the offline store
registry    the models in memory              prediction  one message of the topic
outbox      predictions on their way          served      the log of what was served
delivery    sends them, and what Kafka refuses
scorer      the stream scorer's worker        scoring, sampler  many rows, and which of them
scorer_state  its health and metrics
feature_server, offline_server  Feast's servers of features, with roles
run         starts BentoML for `serving/service.py`
"""
