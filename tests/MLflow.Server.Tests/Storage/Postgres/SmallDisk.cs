using System.Diagnostics;
using System.Globalization;
using Xunit;

namespace MLflow.Server.Tests.Storage.Postgres;

/// <summary>A file system in memory that is soon full. The test is skipped where none may be mounted.</summary>
internal sealed class SmallDisk : IDisposable
{
    private readonly string _folder = Path.Combine(Path.GetTempPath(), $"mlflow-disk-{Guid.NewGuid():N}");

    public SmallDisk(int megabytes)
    {
        Directory.CreateDirectory(_folder);
        if (!TryRun("mount", "-t", "tmpfs", "-o", string.Create(CultureInfo.InvariantCulture, $"size={megabytes}m,mode=777"), "tmpfs", _folder))
        {
            Directory.Delete(_folder);
            Assert.Skip("A file system cannot be mounted here, which needs root.");
        }

        Directory.CreateDirectory(Tablespace);
        Assert.True(TryRun("chown", "postgres", Tablespace));
    }

    /// <summary>An empty folder of PostgreSQL's.</summary>
    public string Tablespace => Path.Combine(_folder, "tablespace");

    private string Ballast => Path.Combine(_folder, "ballast");

    public void TakeRoom(int bytes) => File.WriteAllBytes(Ballast, new byte[bytes]);

    public void GiveRoom() => File.Delete(Ballast);

    public void Dispose()
    {
        TryRun("umount", "-l", _folder);
        Directory.Delete(_folder);
    }

    private static bool TryRun(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        process.WaitForExit();
        return process.ExitCode == 0;
    }
}
