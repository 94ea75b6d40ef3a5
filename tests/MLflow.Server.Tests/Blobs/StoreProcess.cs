using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using MLflow.Tests;
using Xunit;

namespace MLflow.Server.Tests.Blobs;

/// <summary>A blob store of others as a process of its own, which <c>eng/setup.sh</c> has installed; tests are skipped where it has not.</summary>
internal sealed class StoreProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly TemporaryFolder _folder;

    private StoreProcess(Process process, TemporaryFolder folder, int port) => (_process, _folder, Port) = (process, folder, port);

    public int Port { get; }

    /// <summary>Starts s3rver with one bucket.</summary>
    public static Task<StoreProcess> StartS3Async(string bucket) => StartAsync(
        "s3rver", (port, folder) => ["--address", "127.0.0.1", "--port", $"{port}", "--directory", folder, "--configure-bucket", bucket]);

    /// <summary>Starts Azurite's blobs.</summary>
    public static Task<StoreProcess> StartAzureAsync() => StartAsync(
        "azurite-blob", (port, folder) => ["--blobHost", "127.0.0.1", "--blobPort", $"{port}", "--location", folder, "--silent", "--skipApiVersionCheck", "--disableTelemetry"]);

    public async ValueTask DisposeAsync()
    {
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        _process.Dispose();
        _folder.Dispose();
    }

    private static async Task<StoreProcess> StartAsync(string program, Func<int, string, string[]> arguments)
    {
        var script = Path.Combine(Root(), "artifacts", "stores", "node_modules", ".bin", program);
        Assert.SkipUnless(File.Exists(script), $"{program} is not installed (eng/setup.sh).");
        var folder = new TemporaryFolder();
        var port = FreePort.Next();
        var process = Process.Start(new ProcessStartInfo(script, arguments(port, folder.File("data"))) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Xunit.TestContext.Current.CancellationToken);
        limit.CancelAfter(TimeSpan.FromMinutes(1));
        while (!await AnswersAsync(port))
        {
            if (process.HasExited)
            {
                throw new InvalidOperationException($"{program} ended: {await output} {await errors}");
            }

            await Task.Delay(50, limit.Token);
        }

        return new StoreProcess(process, folder, port);
    }

    private static async Task<bool> AnswersAsync(int port)
    {
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static string Root()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "MLflow.slnx")))
        {
            folder = folder.Parent ?? throw new InvalidOperationException("The repository is not above the tests.");
        }

        return folder.FullName;
    }
}
