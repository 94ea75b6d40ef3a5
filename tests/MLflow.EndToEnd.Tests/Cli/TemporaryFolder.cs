namespace MLflow.EndToEnd.Tests.Cli;

/// <summary>An empty folder that is gone after the test.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("mlflow-e2e-").FullName;

    public string StoreUri => "sqlite:///" + System.IO.Path.Combine(Path, "mlflow.db");

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
