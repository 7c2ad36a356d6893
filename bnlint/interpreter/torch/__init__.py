"""What modules, parameters, modes and forwards do."""
