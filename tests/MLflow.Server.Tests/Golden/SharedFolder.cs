namespace MLflow.Server.Tests.Golden;

/// <summary>The folder with recordings of real clients, which is beside the repository and not a part of it.</summary>
internal static class SharedFolder
{
    /// <summary>The path of a folder in it; null where it is absent.</summary>
    public static string? Find(string name)
    {
        if (Environment.GetEnvironmentVariable("MLFLOW_TEST_SHARED") is { Length: > 0 } shared)
        {
            return Directory.Exists(Path.Combine(shared, name)) ? Path.Combine(shared, name) : null;
        }

        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var candidate = Path.Combine(folder.FullName, "shared", name);
            if (Directory.Exists(candidate))
            {
                return candidate;
            }
        }

        return null;
    }
}
