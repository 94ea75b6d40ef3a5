using MLflow.Server.Hosting;
using MLflow.Server.Storage;
using MLflow.Server.Storage.Postgres;
using MLflow.Server.Storage.Sqlite;

namespace MLflow.Server;

/// <summary>Care for the database of a tracking server, while the server runs or not.</summary>
public static class MlflowDatabase
{
    /// <summary>
    /// Copies the database as it is at one moment into a file of its own. The server goes on meanwhile; artifacts lie in their folder and are not in the copy.
    /// The copy is looked at before it gets its name, so that a file with this name is whole.
    /// </summary>
    /// <param name="backendStoreUri">The database, for example <c>sqlite:///mlflow.db</c>.</param>
    /// <param name="file">The copy; its folder must exist, and it must not.</param>
    /// <param name="cancellationToken">Gives up; nothing is left behind.</param>
    /// <returns>The size of the copy in bytes.</returns>
    /// <exception cref="MlflowServerStartException">The address is not understood, or the database is missing, not ours or damaged from its beginning.</exception>
    /// <exception cref="IOException">The copy exists already, or cannot be written.</exception>
    public static Task<long> BackupAsync(string backendStoreUri, string file, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(file);
        var path = Existing(backendStoreUri);
        return Task.Run(() => SqliteMaintenance.Backup(path, file, cancellationToken), cancellationToken);
    }

    /// <summary>Reads the whole database and tells what is wrong with it; changes nothing.</summary>
    /// <param name="backendStoreUri">The database, for example <c>sqlite:///mlflow.db</c>.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="MlflowServerStartException">The address is not understood, or the database is missing, not ours or damaged from its beginning.</exception>
    public static Task<MlflowDatabaseCheck> CheckAsync(string backendStoreUri, CancellationToken cancellationToken = default)
    {
        var path = Existing(backendStoreUri);
        return Task.Run(() => SqliteMaintenance.Check(path, cancellationToken), cancellationToken);
    }

    /// <summary>Gives space that deleted traces left back to the disk, piece by piece, so that a running server writes in between.</summary>
    /// <param name="backendStoreUri">The database, for example <c>sqlite:///mlflow.db</c>.</param>
    /// <param name="cancellationToken">Ends it early; what was given back stays so.</param>
    /// <returns>Bytes on the disk before and after, all files of the database together.</returns>
    /// <exception cref="MlflowServerStartException">The address is not understood, or the database is missing, not ours or damaged from its beginning.</exception>
    /// <exception cref="IOException">Another program keeps the database from being written.</exception>
    public static Task<(long Before, long After)> CompactAsync(string backendStoreUri, CancellationToken cancellationToken = default)
    {
        var path = Existing(backendStoreUri);
        return Task.Run(() => SqliteMaintenance.Compact(path, cancellationToken), cancellationToken);
    }

    /// <summary>
    /// Spreads the tables of a PostgreSQL database over the machines of its Citus cluster, by the ids of traces. What is distributed already stays as it is, so it can be run again.
    /// Tables are locked while their rows are moved: servers should be stopped.
    /// </summary>
    /// <param name="backendStoreUri">The coordinator's database, for example <c>postgresql://mlflow@coordinator/mlflow</c>.</param>
    /// <param name="dryRun">Whether the statements are only returned.</param>
    /// <param name="cancellationToken">Ends it between two statements.</param>
    /// <returns>The statements that were run, or would be.</returns>
    /// <exception cref="MlflowServerStartException">The address is not understood or not PostgreSQL's, the database cannot be used or lacks Citus, or it refuses a statement.</exception>
    public static async Task<IReadOnlyList<string>> DistributeAsync(string backendStoreUri, bool dryRun = false, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(backendStoreUri);
        if (ServerSettings.Validate(new MlflowServerOptions { BackendStoreUri = backendStoreUri }).PostgresUri is not { } uri)
        {
            throw new MlflowServerStartException($"'{PostgresUri.Shown(backendStoreUri)}' is a file, and only a database of PostgreSQL can be distributed: name the coordinator's in --backend-store-uri.");
        }

        try
        {
            var database = await PostgresDatabase.OpenAsync(uri, TimeProvider.System, null, cancellationToken).ConfigureAwait(false);
            await using (database.ConfigureAwait(false))
            {
                return await PostgresDistribution.RunAsync(database, PostgresUri.Shown(uri), dryRun, cancellationToken).ConfigureAwait(false);
            }
        }
        catch (DatabaseOpenException e)
        {
            throw new MlflowServerStartException(e.Message, e);
        }
    }

    private static string Existing(string backendStoreUri)
    {
        ArgumentNullException.ThrowIfNull(backendStoreUri);
        if (PostgresUri.IsOne(backendStoreUri))
        {
            throw new MlflowServerStartException("This cares for SQLite files; a database of PostgreSQL is backed up with pg_dump, and checked and compacted by its own tools.");
        }

        var path = ServerSettings.Validate(new MlflowServerOptions { BackendStoreUri = backendStoreUri }).DatabasePath;
        if (!File.Exists(path))
        {
            throw new MlflowServerStartException($"There is no database '{path}'; name the one of the server in --backend-store-uri.");
        }

        try
        {
            SqliteMaintenance.RequireOurs(path);
        }
        catch (DatabaseOpenException e)
        {
            throw new MlflowServerStartException(e.Message, e);
        }

        return path;
    }
}
