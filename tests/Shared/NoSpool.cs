using System.Runtime.CompilerServices;

namespace MLflow.Tests;

/// <summary>Keeps tests, and the processes that they start, away from the spool in the user's home.</summary>
internal static class NoSpool
{
    [ModuleInitializer]
    public static void Set() => Environment.SetEnvironmentVariable("MLFLOW_SPOOL_DIRECTORY", "none");
}
