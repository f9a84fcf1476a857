"""The project's own estimators, for tasks in `training/tasks/`.

Each is a scikit-learn regressor that learns arrays and numbers only; a new one is a file here, a
name in `pitwall.models.loading.TRUSTED`, and a `type` in a task. They import no other room but
errors.

laps         mean profile, pace ratio, recent pace
delta_trace  the trace of the delta to the mean lap
inertia      speed from accelerations and yaw
plain        ridge regression and boosted trees on some of the inputs
"""
