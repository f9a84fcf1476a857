"""Train and register tasks: `python train.py [lap_time speed_sensor]`.

It runs in this project's environment and needs the stack (`./pitwall up`).
"""

from pitwall.training.run import main

if __name__ == "__main__":
    main()
