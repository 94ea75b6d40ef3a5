namespace MLflow.Cli.Demo;

/// <summary>A trace of an example, as the server gives it back.</summary>
internal sealed record DemoTrace(string Example, StoredTrace Info, int Spans);
