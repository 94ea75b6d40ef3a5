using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Npgsql;
using Xunit;

namespace MLflow.EndToEnd.Tests.Cli;

/// <summary>A PostgreSQL of this test alone; the test is skipped where none is installed.</summary>
internal sealed class PostgresProcess : IAsyncDisposable
{
    private readonly string _programs;
    private readonly string _folder = Path.Combine(Path.GetTempPath(), $"mlflow-postgres-{Guid.NewGuid():N}");
    private readonly int _port = FreePort();

    private PostgresProcess(string programs) => _programs = programs;

    public string Uri => $"postgresql://postgres:secret%20word@127.0.0.1:{_port}/postgres";

    private string Data => Path.Combine(_folder, "data");

    public static async Task<PostgresProcess> StartAsync(CancellationToken cancellationToken)
    {
        var programs = Directory.Exists("/usr/lib/postgresql") ? Directory.GetDirectories("/usr/lib/postgresql").Order().Select(folder => Path.Combine(folder, "bin")).LastOrDefault(Directory.Exists) : null;
        Assert.SkipWhen(programs is null, "PostgreSQL is not installed; eng/setup.sh installs it.");
        var postgres = new PostgresProcess(programs!);
        Directory.CreateDirectory(postgres._folder);
        if (Environment.IsPrivilegedProcess)
        {
            // initdb refuses to work as root.
            await ExecuteAsync(["chown", "postgres", postgres._folder], cancellationToken);
        }

        var password = Path.Combine(postgres._folder, "password");
        await File.WriteAllTextAsync(password, "secret word", cancellationToken);
        await postgres.ExecuteProgramAsync(["initdb", "-D", postgres.Data, "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "-A", "scram-sha-256", $"--pwfile={password}", "--no-sync"], cancellationToken);
        await File.AppendAllLinesAsync(
            Path.Combine(postgres.Data, "postgresql.conf"), [$"port = {postgres._port}", "listen_addresses = '127.0.0.1'", $"unix_socket_directories = '{postgres._folder}'", "fsync = off"], cancellationToken);
        await postgres.ExecuteProgramAsync(["pg_ctl", "start", "-D", postgres.Data, "-w", "-l", Path.Combine(postgres._folder, "log")], cancellationToken);
        return postgres;
    }

    public async Task RunAsync(string sql, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder { Host = "127.0.0.1", Port = _port, Username = "postgres", Password = "secret word", Database = "postgres", Pooling = false }.ToString());
        await connection.OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await ExecuteProgramAsync(["pg_ctl", "stop", "-D", Data, "-m", "immediate", "-w"], CancellationToken.None);
        Directory.Delete(_folder, recursive: true);
    }

    private Task ExecuteProgramAsync(string[] command, CancellationToken cancellationToken)
    {
        string[] program = [Path.Combine(_programs, command[0]), .. command[1..]];
        return ExecuteAsync(Environment.IsPrivilegedProcess ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", .. program] : program, cancellationToken);
    }

    // Through a shell, because the server that pg_ctl starts would keep our pipes open.
    private static async Task ExecuteAsync(string[] command, CancellationToken cancellationToken)
    {
        var log = Path.GetTempFileName();
        using var process = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", "log=$1; shift; exec \"$@\" >\"$log\" 2>&1 </dev/null", "sh", log, .. command]) { WorkingDirectory = Path.GetTempPath() })!;
        await process.WaitForExitAsync(cancellationToken);
        var said = await File.ReadAllTextAsync(log, cancellationToken);
        File.Delete(log);
        Assert.True(process.ExitCode == 0, $"{string.Join(' ', command)}: {said}");
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
