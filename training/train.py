"""Train and register: `python train.py [lap_time speed_sensor]` in this project's environment, with the stack up."""

from pitwall.training.run import main

if __name__ == "__main__":
    main()
