using System.Text.Encodings.Web;
using System.Text.Json;

namespace MLflow.EndToEnd.Tests.Recordings;

/// <summary>Finds the folder of recordings and golden traces that lies beside the repository.</summary>
public static class SharedFolder
{
    /// <summary>Writes JSON as servers and clients do: text stays text.</summary>
    public static readonly JsonSerializerOptions AsText = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The path below the shared folder, or null where it is not there: <c>MLFLOW_TEST_SHARED</c>, else a folder <c>shared</c> beside a parent of the tests.</summary>
    public static string? Find(string path)
    {
        if (Environment.GetEnvironmentVariable("MLFLOW_TEST_SHARED") is { Length: > 0 } configured)
        {
            return Existing(Path.Combine(configured, path));
        }

        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (Existing(Path.Combine(folder.FullName, "shared", path)) is { } found)
            {
                return found;
            }
        }

        return null;
    }

    private static string? Existing(string path) => Directory.Exists(path) || File.Exists(path) ? path : null;
}
