using System.Diagnostics;
using System.Globalization;
using Npgsql;

namespace MLflow.Benchmarks.Server;

/// <summary>A PostgreSQL of the benchmark's own, durable as it is delivered: fsync and synchronous_commit are on.</summary>
internal sealed class PostgresProcess : IAsyncDisposable
{
    private readonly string _programs;
    private readonly string _folder;
    private readonly int _port;
    private int _databases;

    private PostgresProcess(string programs, string folder, int port)
    {
        _programs = programs;
        _folder = folder;
        _port = port;
    }

    public string Data => Path.Combine(_folder, "data");

    /// <summary>Of all its processes, as far as they are children of the first one or have ended.</summary>
    public TimeSpan Cpu
    {
        get
        {
            var id = File.ReadLines(Path.Combine(Data, "postmaster.pid")).First();
            var children = File.ReadAllText($"/proc/{id}/task/{id}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries);
            return TimeSpan.FromMilliseconds(10 * (Ticks(id, 14, 15, 16, 17) + children.Sum(child => Ticks(child, 14, 15))));
        }
    }

    /// <summary>Starts the newest version that Debian's packages installed.</summary>
    public static async Task<PostgresProcess> StartAsync(params string[] settings)
    {
        const string Versions = "/usr/lib/postgresql";
        var programs = (Directory.Exists(Versions) ? Directory.GetDirectories(Versions) : [])
            .OrderByDescending(folder => int.TryParse(Path.GetFileName(folder), out var version) ? version : 0)
            .Select(folder => Path.Combine(folder, "bin")).FirstOrDefault(folder => File.Exists(Path.Combine(folder, "initdb")))
            ?? throw new InvalidOperationException($"There is no PostgreSQL in {Versions}; eng/setup.sh installs it.");
        var folder = Directory.CreateTempSubdirectory("mlflow-benchmark-postgres-").FullName;
        int port;
        using (var listener = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0))
        {
            listener.Start();
            port = ((System.Net.IPEndPoint)listener.LocalEndpoint).Port;
        }

        var postgres = new PostgresProcess(programs, folder, port);
        if (Environment.IsPrivilegedProcess)
        {
            await RunAsync(["chown", "postgres", folder]);
        }

        await postgres.RunProgramAsync("initdb", "-D", postgres.Data, "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "-A", "trust");
        await File.AppendAllLinesAsync(
            Path.Combine(postgres.Data, "postgresql.conf"),
            [$"port = {port}", "listen_addresses = '127.0.0.1'", $"unix_socket_directories = '{folder}'", "shared_buffers = 256MB", "max_wal_size = 4GB", .. settings]);
        await postgres.StartAsync();
        return postgres;
    }

    public Task StartAsync() => RunProgramAsync("pg_ctl", "start", "-D", Data, "-w", "-l", Path.Combine(_folder, "log"));

    /// <summary>SIGKILL for the process of which all others are children. They end by themselves when they see it.</summary>
    public async Task KillAsync()
    {
        var id = int.Parse((await File.ReadAllLinesAsync(Path.Combine(Data, "postmaster.pid")))[0], CultureInfo.InvariantCulture);
        var children = File.Exists($"/proc/{id}/task/{id}/children") ? await File.ReadAllTextAsync($"/proc/{id}/task/{id}/children") : "";
        foreach (var process in children.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(child => int.Parse(child, CultureInfo.InvariantCulture)).Prepend(id))
        {
            using var kill = Process.Start("kill", ["-s", "KILL", process.ToString(CultureInfo.InvariantCulture)]);
            await kill.WaitForExitAsync();
        }

        while (Directory.Exists($"/proc/{id}"))
        {
            await Task.Delay(2);
        }
    }

    /// <summary>The URI of a new database.</summary>
    public async Task<string> CreateDatabaseAsync()
    {
        var name = $"bench{_databases++}";
        await using var connection = await ConnectAsync("postgres");
        await using var command = new NpgsqlCommand($"CREATE DATABASE {name}", connection);
        await command.ExecuteNonQueryAsync();
        return $"postgresql://postgres@127.0.0.1:{_port}/{name}";
    }

    public async Task<NpgsqlConnection> ConnectAsync(string databaseOrUri)
    {
        var connection = new NpgsqlConnection($"Host=127.0.0.1;Port={_port};Username=postgres;Database={databaseOrUri.Split('/')[^1]};Pooling=false;Timeout=60;CommandTimeout=600");
        await connection.OpenAsync();
        return connection;
    }

    public async ValueTask DisposeAsync()
    {
        await RunProgramAsync("pg_ctl", "stop", "-D", Data, "-m", "immediate", "-w");
        Directory.Delete(_folder, recursive: true);
    }

    // https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html: hundredths of a second. The name, which stands in parentheses, may have spaces.
    private static long Ticks(string process, params int[] places)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{process}/stat");
            var rest = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return places.Sum(place => long.Parse(rest[place - 3], CultureInfo.InvariantCulture));
        }
        catch (IOException)
        {
            // It has ended meanwhile.
            return 0;
        }
    }

    private Task RunProgramAsync(string program, params string[] arguments)
    {
        // The programs refuse to work as root.
        string[] command = [Path.Combine(_programs, program), .. arguments];
        return RunAsync(Environment.IsPrivilegedProcess ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", .. command] : command);
    }

    private static async Task RunAsync(string[] command)
    {
        // The server that pg_ctl starts would keep pipes of ours open.
        var log = Path.GetTempFileName();
        var start = new ProcessStartInfo("/bin/sh", ["-c", "log=$1; shift; exec \"$@\" >\"$log\" 2>&1 </dev/null", "sh", log, .. command]) { WorkingDirectory = Path.GetTempPath() };
        using var process = Process.Start(start)!;
        await process.WaitForExitAsync();
        var said = await File.ReadAllTextAsync(log);
        File.Delete(log);
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"{string.Join(' ', command)}: {said}");
        }
    }
}
