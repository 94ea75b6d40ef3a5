using System.Text;
using Xunit;

namespace MLflow.EndToEnd.Tests.Repository;

/// <summary>The files of the repository that these tests were built from.</summary>
public static class RepositoryFiles
{
    /// <summary>What builds, editors and git leave behind, as .gitignore lists it.</summary>
    private static readonly HashSet<string> NotOurs =
        [".git", "artifacts", "bin", "obj", ".vs", ".idea", "TestResults", "BenchmarkDotNet.Artifacts", "mlartifacts"];

    /// <summary>The folder with MLflow.slnx. Skips the test where the tests run without their sources.</summary>
    public static string Root()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "MLflow.slnx")))
            {
                return folder.FullName;
            }
        }

        Assert.Skip("The tests do not lie in their repository.");
        return "";
    }

    /// <summary>The text of a file, named from the root with slashes.</summary>
    public static string Read(string path) => File.ReadAllText(Path.Combine(Root(), path));

    /// <summary>All text files, named from the root with slashes.</summary>
    public static IEnumerable<(string Path, string Text)> AllTexts()
    {
        var root = Root();
        foreach (var file in Below(new DirectoryInfo(root)))
        {
            var bytes = File.ReadAllBytes(file.FullName);
            if (!bytes.AsSpan().Contains((byte)0))
            {
                yield return (Path.GetRelativePath(root, file.FullName).Replace('\\', '/'), Encoding.UTF8.GetString(bytes));
            }
        }
    }

    private static IEnumerable<FileInfo> Below(DirectoryInfo folder)
    {
        foreach (var entry in folder.EnumerateFileSystemInfos())
        {
            if (NotOurs.Contains(entry.Name))
            {
                continue;
            }

            if (entry is DirectoryInfo child)
            {
                foreach (var file in Below(child))
                {
                    yield return file;
                }
            }
            else if (entry is FileInfo file && file.Extension is not (".db" or ".db-shm" or ".db-wal" or ".user"))
            {
                yield return file;
            }
        }
    }
}
