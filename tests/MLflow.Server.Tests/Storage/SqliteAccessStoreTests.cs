using MLflow.Server.Access;
using MLflow.Server.Storage;
using MLflow.Server.Storage.Sqlite;
using Xunit;

namespace MLflow.Server.Tests.Storage;

public sealed class SqliteAccessStoreTests : AccessStoreConformance
{
    private readonly TemporaryFolder _folder = new();

    private protected override Task<IDatabase> OpenAsync() => Task.FromResult<IDatabase>(SqliteDatabase.Open(_folder.File("mlflow.db"), Time));

    protected override Task CloseAsync()
    {
        _folder.Dispose();
        return Task.CompletedTask;
    }

    protected override Task<string> StoredAsync() => File.ReadAllTextAsync(_folder.File("mlflow.db-wal"), System.Text.Encoding.Latin1, Token);

    [Fact]
    public async Task Token_Used_IsNotedNotEachTime()
    {
        var directory = new AccessDirectory(Store, AccessMode.Always, Time);
        var secret = await AddTokenAsync(await AddAsync("edith"));
        var first = Time.GetUtcNow().ToUnixTimeMilliseconds();

        directory.Verify(secret);
        Time.Advance(AccessDirectory.UseResolution / 2);
        directory.Verify(secret);

        // Written by the one writer, in order: whatever was to be noted stands before this.
        await Store.WriteAuditAsync(new AuditEntry(0, null, "x", null, null, "y"), Token);
        Assert.Equal(first, Store.FindToken(secret.TokenId)!.LastUsedMs);

        Time.Advance(AccessDirectory.UseResolution);
        directory.Verify(secret);
        await Store.WriteAuditAsync(new AuditEntry(0, null, "x", null, null, "y"), Token);
        Assert.True(Store.FindToken(secret.TokenId)!.LastUsedMs > first);
    }
}
