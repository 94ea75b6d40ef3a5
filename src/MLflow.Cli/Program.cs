using MLflow.Cli.Commands;

return await MlflowCommand.RunAsync(args);
