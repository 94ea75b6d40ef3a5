using System.CommandLine;
using MLflow.Cli.MlflowDatabases;
using MLflow.Cli.Traces;
using MLflow.Cli.Tracking;
using MLflow.Server;

namespace MLflow.Cli.Commands;

/// <summary><c>mlflow import</c>: sends traces that programs left on the disk because their server was away, or those in the database of MLflow's own server.</summary>
internal sealed class ImportCommand : Command
{
    private readonly Option<string?> _spool = new("--spool")
    {
        Description = "Send traces that programs left on the disk, to the servers that they were made for. Without a folder: MLFLOW_SPOOL_DIRECTORY, else the user's own.",
        HelpName = "FOLDER",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private readonly Option<string?> _database = new("--mlflow-database")
    {
        Description = "Bring over experiments and traces of the database of MLflow's own server: sqlite:///mlflow.db or postgresql://user@host/database; its password may be in PGPASSWORD.",
        HelpName = "URI",
    };

    private readonly Option<string?> _artifacts = new("--artifacts") { Description = "The folder of that server's artifacts, where older versions keep spans, and all keep attachments.", HelpName = "FOLDER" };
    private readonly Option<string?> _cursor = new("--cursor") { Description = "Keeps how far the import of a database has come in this file, and goes on from there.", HelpName = "FILE" };
    private readonly TrackingOptionSet _tracking = new();

    public ImportCommand()
        : base("import", "Brings traces from elsewhere to a server.")
    {
        Add(_spool);
        Add(_database);
        Add(_artifacts);
        Add(_cursor);
        _tracking.AddTo(this);
        SetAction(RunAsync);
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var isSpool = parsed.GetResult(_spool) is not null;
        if (isSpool == parsed.GetValue(_database) is not null)
        {
            throw CommandException.WrongUse("give either --spool or --mlflow-database; lines of 'mlflow traces export' are read by 'mlflow traces import'");
        }

        if (parsed.GetValue(_database) is { } database)
        {
            return await RunDatabaseAsync(parsed, database, cancellationToken);
        }

        var folder = Folder(parsed.GetValue(_spool));
        var targets = Targets(folder);
        if (targets.Count == 0)
        {
            await Console.Out.WriteLineAsync($"Nothing waits in {folder}.");
            return 0;
        }

        var areAllSent = true;
        foreach (var target in targets)
        {
            try
            {
                var (sent, error) = await SendAsync(folder, target, cancellationToken);
                areAllSent &= error is null;
                await Console.Out.WriteLineAsync($"{Traces(sent)} sent to {target}{(error is null ? "" : $"; the rest stays: {error}")}");
            }
            catch (ArgumentException e)
            {
                // Credentials for a Databricks workspace are missing here. Other servers have their traces.
                areAllSent = false;
                await Console.Error.WriteLineAsync($"mlflow: what waits for {target} stays: {e.Message}");
            }
        }

        return areAllSent ? 0 : 1;
    }

    private async Task<int> RunDatabaseAsync(ParseResult parsed, string uri, CancellationToken cancellationToken)
    {
        if (parsed.GetValue(_artifacts) is { } artifacts && !Directory.Exists(artifacts))
        {
            throw CommandException.WrongUse($"--artifacts {artifacts} is not a folder");
        }

        await using var source = await MlflowDatabaseReader.OpenAsync(uri, cancellationToken);
        using var target = TrackingTarget.Connect(_tracking, parsed);
        if (target.Api.Workspace is not null)
        {
            throw CommandException.WrongUse("a database is brought over to a server of this repository or of MLflow, not to a Databricks workspace: export its traces, and import those");
        }

        var cursor = new MlflowImportCursor { Database = source.Shown, Server = target.Name };
        var cursors = parsed.GetValue(_cursor) is { } path ? new CursorFile<MlflowImportCursor>(path, CursorJson.Default.MlflowImportCursor) : null;
        if (cursors?.Read() is { } kept)
        {
            cursor = (kept.Database, kept.Server) == (cursor.Database, cursor.Server)
                ? kept
                : throw CommandException.WrongUse($"{parsed.GetValue(_cursor)} belongs to another import (of {kept.Database} to {kept.Server}): name another file, or remove it");
        }

        using var http = TrackingTransport.Read(Environment.GetEnvironmentVariable).CreateClient(TrackingHttp.MaxConnections);
        var import = new MlflowDatabaseImport(source, new ArtifactFiles(parsed.GetValue(_artifacts)), target, new TrackingHttp(http, target.Address, TimeProvider.System));
        return await import.RunAsync(cursors, cursor, cancellationToken);
    }

    /// <returns>Traces that were sent, and why others were not.</returns>
    private static async Task<(long Sent, string? Error)> SendAsync(string folder, string target, CancellationToken cancellationToken)
    {
        Uri? address;
        if (EmbeddedStore.IsDatabase(target))
        {
            // Who has removed the database does not want it back.
            if (!File.Exists(EmbeddedStore.PathOf(target)))
            {
                return (0, "the database is not there");
            }

            try
            {
                address = EmbeddedServer.Start(target);
            }
            catch (MlflowServerStartException e)
            {
                return (0, e.Message);
            }
        }
        else if (!Uri.TryCreate(target, UriKind.Absolute, out address))
        {
            return (0, "that is not the address of a server");
        }

        var result = await SpoolImport.SendAsync(folder, target, address, cancellationToken);
        return (result.Recovered, result.LastError);
    }

    /// <summary>Sends what waits for a server of this machine that has just started, or for its database. What goes wrong is said and changes nothing.</summary>
    /// <param name="server">Where it listens.</param>
    /// <param name="storeUri">Its database, as its options say it.</param>
    /// <param name="cancellationToken">Leaves the rest where it is.</param>
    public static async Task SendToAsync(Uri server, string storeUri, CancellationToken cancellationToken)
    {
        try
        {
            if (SpoolImport.DefaultFolder() is not { } folder)
            {
                return;
            }

            var database = EmbeddedStore.IsDatabase(storeUri) ? EmbeddedStore.NameOf(storeUri) : null;
            foreach (var target in SpoolImport.Targets(folder).Where(target => target == database || IsNameOf(server, target)))
            {
                var address = target == database ? server : new Uri(target);
                if ((await SpoolImport.SendAsync(folder, target, address, cancellationToken)).Recovered is > 0 and var count)
                {
                    await Console.Out.WriteLineAsync($"{Traces(count)} that waited in {folder} arrived.");
                }
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The server stops: the rest waits for its next start.
        }
#pragma warning disable CA1031 // Whatever is wrong with what lies there, the server goes on.
        catch (Exception e) when (e is not OutOfMemoryException)
#pragma warning restore CA1031
        {
            await Console.Error.WriteLineAsync($"mlflow: traces that wait on the disk cannot be sent: {e.Message}");
        }
    }

    /// <summary>Programs may know it by another name.</summary>
    private static bool IsNameOf(Uri server, string target) =>
        Uri.TryCreate(target, UriKind.Absolute, out var address) && address.Port == server.Port && address.Scheme == server.Scheme && address.IsLoopback;

    private static string Traces(long count) => count == 1 ? "1 trace" : $"{count} traces";

    private static string Folder(string? given)
    {
        if (given is not null)
        {
            return Directory.Exists(given) ? Path.GetFullPath(given) : throw CommandException.WrongUse($"--spool {given} is not a folder");
        }

        try
        {
            return SpoolImport.DefaultFolder() ?? throw new CommandException("this user has no spool: MLFLOW_SPOOL_DIRECTORY is 'none', or there is no home; give a folder with --spool FOLDER");
        }
        catch (ArgumentException e)
        {
            throw new CommandException(e.Message);
        }
    }

    private static IReadOnlyList<string> Targets(string folder)
    {
        try
        {
            return SpoolImport.Targets(folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CommandException($"{folder} cannot be read: {e.Message}");
        }
    }
}
