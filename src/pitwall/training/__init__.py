"""Training: from recorded features to a registered version.

It takes tasks from `training/tasks/`, complete laps and features from the offline store through
Feast, and gives versions in MLflow's registry with their errors beside the baselines'. It may
import models, stores, features and the rooms below; serving and monitoring import its tasks.

tasks       the definitions of what is learned        dataset    entity rows, labels, the join
laps        the laps that are learned from, and why others are not
leaks       refuses inputs that know the label        estimators the project's own estimators
groups      laps that are held out together           selection  fits, with parameters by own laps
evaluation  errors on laps left out and ahead         comparison errors and gains, lap by lap
intervals   conformal intervals over laps             duel       the new model beside the champion
report      every published figure anew               judging    the figures of one task
recomputed  features of recordings, without servers   offline    training sets without a registry
train       trains, retrains, promotes                log        the MLflow run and the version
card        the model card                            lineage    code, environment, fingerprint
reproduce   makes a run's model again                 run        the training process
side_by_side work on every processor                  search     drawn parameters to choose from
"""
