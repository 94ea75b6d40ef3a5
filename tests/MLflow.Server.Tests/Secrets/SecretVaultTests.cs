using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using MLflow.Server.Secrets;
using Xunit;

namespace MLflow.Server.Tests.Secrets;

public sealed class SecretVaultTests : IAsyncDisposable
{
    private readonly SomeVault _some = new();

    private static CancellationToken Token => Xunit.TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _some.DisposeAsync();

    [Fact]
    public async Task Secret_OfMlflow_IsReadable()
    {
        // Values that MLflow's own code has encrypted.
        const string Passphrase = "unit-test-passphrase-0123456789abcdef";
        Assert.Equal("dc573c1a6dfda86fbb48ccee8e73fced5bf02f0604699c39a537f51f24f87a0d", Convert.ToHexStringLower(LocalKey.Derive(Passphrase, 1)));
        Assert.Equal("9f4f63bec81efbc6c8dc625fa3ad57f44b255859d97a48fe4875cfaf5500aad2", Convert.ToHexStringLower(LocalKey.Derive(KeyRing.DevelopmentPassphrase, 1)));
        Assert.Equal("d1a3f5bba094bb3a5ded4533c0f235f6aaa6f6a528e718a3a0793f2b075dc0e6", Convert.ToHexStringLower(LocalKey.Derive(KeyRing.DevelopmentPassphrase, 2)));
        using var vault = _some.Open(KeyRing.Of([new LocalKey(1, Passphrase)]));
        var secret = new StoredSecret
        {
            Id = "s-0123456789abcdef0123456789abcdef",
            Name = "openai-production",
            Provider = "openai",
            EncryptedValue = Convert.FromBase64String("AAECAwQFBgcICQoLPCC3a6y6qX70Y62rk5oTQPez9EDdSm1PDFLTsiVQMNNjc8qZyeNvldY6gGI7muY+Mx9l5MKlhA=="),
            WrappedKey = Convert.FromBase64String("DA0ODxAREhMUFRYXEYVyatk1bCo4aaciT5orghHE5DaMNfxIT5cSw71xDKRoKgq9g4UX1F8FOydhY8VA"),
            KeyVersion = 1,
            Format = StoredSecret.FormatOfMlflow,
        };

        var values = await vault.OpenAsync(secret, Token);

        Assert.Equal("sk-test-1234567890abcdef", Assert.Single(values).Value);
        Assert.Equal("sk-...cdef", SecretMask.Of(values["api_key"]));
        await Assert.ThrowsAsync<MlflowException>(async () => await vault.OpenAsync(secret with { Name = "openai-productioN" }, Token));
    }

    [Fact]
    public async Task Secret_Stored_IsNowhereInTheDatabaseInTheClear()
    {
        using var vault = _some.Open(KeyRing.OfDevelopment());

        var secret = await SomeVault.CreateAsync(vault);

        Assert.Equal(SomeVault.Key, (await vault.OpenAsync(vault.FindById(secret.Id)!, Token))["api_key"]);
        await _some.CloseAsync();
        foreach (var file in Directory.GetFiles(Path.GetDirectoryName(_some.File("x"))!))
        {
            var text = await File.ReadAllTextAsync(file, Encoding.Latin1, Token);
            Assert.DoesNotContain(SomeVault.Key[8..], text, StringComparison.Ordinal);
            Assert.DoesNotContain(Convert.ToBase64String(Encoding.UTF8.GetBytes(SomeVault.Key))[4..^4], text, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("name", "another")]
    [InlineData("provider", "anthropic")]
    [InlineData("auth_config", """{"api_base":"https://evil.example/v1"}""")]
    public async Task Secret_ChangedInTheDatabase_IsNotGivenAway(string property, string value)
    {
        using var vault = _some.Open(KeyRing.OfDevelopment());
        var secret = await SomeVault.CreateAsync(vault);
        var store = _some.Database.Gateway();
        var document = store.Read().All.Single();
        var body = System.Text.Json.Nodes.JsonNode.Parse(document.Body)!;
        body[property] = value[0] == '{' ? System.Text.Json.Nodes.JsonNode.Parse(value) : value;
        await store.TryWriteAsync(store.GetVersion(), [document with { Body = body.ToJsonString() }], [], Token);
        _some.Time.Advance(Documents.Freshness);

        var e = await Assert.ThrowsAsync<MlflowException>(async () => await vault.OpenAsync(vault.FindById(secret.Id)!, Token));

        Assert.Equal(ErrorCode.INVALID_STATE, e.ErrorCode);
    }

    [Fact]
    public async Task Address_Changed_AsksForTheKeyAgain()
    {
        using var vault = _some.Open(KeyRing.OfDevelopment());
        var secret = await SomeVault.CreateAsync(vault, apiBase: "https://llm.example/v1");
        Dictionary<string, string> elsewhere = new() { ["api_base"] = "https://evil.example/v1" };
        Dictionary<string, string> none = [];

        foreach (var changed in (Dictionary<string, string>[])[elsewhere, none, new() { ["api_base"] = "https://llm.example/v2" }, new() { ["api_base"] = "http://llm.example/v1" }])
        {
            var e = await Assert.ThrowsAsync<MlflowException>(() => vault.UpdateAsync(SomeVault.Actor, secret.Id, none, changed, Token));
            Assert.Equal(ErrorCode.INVALID_STATE, e.ErrorCode);
            Assert.Contains("give its values again", e.Message, StringComparison.Ordinal);
        }

        await vault.UpdateAsync(SomeVault.Actor, secret.Id, none, new Dictionary<string, string> { ["api_base"] = "https://LLM.example:443/v1/", ["api_version"] = "2" }, Token);
        Assert.Equal(SomeVault.Key, (await vault.OpenAsync(vault.FindById(secret.Id)!, Token))["api_key"]);

        await vault.UpdateAsync(SomeVault.Actor, secret.Id, new Dictionary<string, string> { ["api_key"] = "another" }, elsewhere, Token);
        Assert.Equal("another", (await vault.OpenAsync(vault.FindById(secret.Id)!, Token))["api_key"]);
    }

    [Fact]
    public async Task Rotation_WhileServersRun_IsReadableBeforeAndAfter()
    {
        var path = _some.File("keys");
        await File.WriteAllTextAsync(path, "1 passphrase old words\n", Token);
        using var server = _some.Open(KeyRing.OfFile(path));
        var first = await SomeVault.CreateAsync(server, "first");
        var encrypted = server.FindById(first.Id)!.EncryptedValue;

        await File.WriteAllTextAsync(path, $"# keys of secrets\n1 passphrase old words\n2 {Convert.ToBase64String(RandomNumberGenerator.GetBytes(32))}\n", Token);
        File.SetLastWriteTimeUtc(path, DateTime.UnixEpoch);
        var second = await SomeVault.CreateAsync(server, "second");
        using var tool = _some.Open(KeyRing.OfFile(path));
        Assert.Equal((1, 2), (server.FindById(first.Id)!.KeyVersion, server.FindById(second.Id)!.KeyVersion));
        Assert.Equal((1, 2), await tool.RotateAsync(SomeVault.Actor, Token));
        _some.Time.Advance(Documents.Freshness);

        Assert.Equal(2, server.FindById(first.Id)!.KeyVersion);
        Assert.Equal(encrypted, server.FindById(first.Id)!.EncryptedValue);
        Assert.Equal(SomeVault.Key, (await server.OpenAsync(server.FindById(first.Id)!, Token))["api_key"]);
        Assert.Equal((0, 2), await tool.RotateAsync(SomeVault.Actor, Token));
    }

    [Fact]
    public async Task Rotation_WithoutAnOldKey_ChangesNothing()
    {
        using (var server = _some.Open(KeyRing.Of([new LocalKey(1, "old words")])))
        {
            await SomeVault.CreateAsync(server);
        }

        using var tool = _some.Open(KeyRing.Of([new LocalKey(2, "new words")]));
        var e = await Assert.ThrowsAsync<MlflowException>(() => tool.RotateAsync(SomeVault.Actor, Token));

        Assert.Contains("a key of version 1", e.Message, StringComparison.Ordinal);
        Assert.Equal(1, tool.List().Single().KeyVersion);
    }

    [Fact]
    public async Task Key_OfAnotherPassphrase_SaysThatItIsWrong()
    {
        using (var server = _some.Open(KeyRing.Of([new LocalKey(1, "old words")])))
        {
            await SomeVault.CreateAsync(server);
        }

        using var other = _some.Open(KeyRing.Of([new LocalKey(1, "other words")]));
        var e = await Assert.ThrowsAsync<MlflowException>(async () => await other.OpenAsync(other.List().Single(), Token));

        Assert.Contains("is another one than it was encrypted with", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Key_OfAService_IsAskedOnceForASecret()
    {
        var service = new CountingKey();
        using var server = _some.Open(KeyRing.Of([service]));
        var secret = await SomeVault.CreateAsync(server);

        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(SomeVault.Key, (await server.OpenAsync(server.FindById(secret.Id)!, Token))["api_key"]);
        }

        Assert.Equal(1, service.Unwraps);
    }

    [Fact]
    public async Task Name_TakenByAnotherServerMeanwhile_IsRefused()
    {
        using var one = _some.Open(KeyRing.OfDevelopment());
        using var other = _some.Open(KeyRing.OfDevelopment());

        var made = await Task.WhenAll(new[] { one, other }.Select(async vault =>
        {
            try
            {
                return (await SomeVault.CreateAsync(vault)).Id;
            }
            catch (MlflowException e) when (e.ErrorCode == ErrorCode.RESOURCE_ALREADY_EXISTS)
            {
                return null;
            }
        }));

        Assert.Single(made, id => id is not null);
    }

    [Fact]
    public async Task Changes_AreInTheAuditLogWithoutValues()
    {
        using var vault = _some.Open(KeyRing.OfDevelopment());
        var secret = await SomeVault.CreateAsync(vault);
        await vault.UpdateAsync(SomeVault.Actor, secret.Id, new Dictionary<string, string> { ["api_key"] = "another-key-of-length" }, null, Token);
        await vault.RotateAsync(SomeVault.Actor, Token);
        await vault.DeleteAsync(SomeVault.Actor, secret.Id, Token);

        var entries = _some.Database.Access().ListAudit(10);

        Assert.Equal(["secret.delete", "secret.rotate", "secret.change", "secret.create"], entries.Select(entry => entry.Action));
        Assert.All(entries, entry => Assert.Equal("root", entry.Actor));
        Assert.DoesNotContain("key", JsonSerializer.Serialize(entries).Replace("key version", "", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "***")]
    [InlineData("sk-1234567890123456", "***")]
    [InlineData("sk-12345678901234567", "sk-...4567")]
    [InlineData("sk-123456789012345678901234567890123456789012345678901234567890", "sk-...7890")]
    [InlineData("🙂🙃🙂🙃🙂🙃🙂🙃🙂🙃🙂🙃🙂🙃🙂🙃🙂🙃🙂🙃", "🙂🙃🙂...🙂🙃🙂🙃")]
    public void Mask_OfAnyLength_DoesNotTellIt(string value, string mask) => Assert.Equal(mask, SecretMask.Of(value));

    [Theory]
    [InlineData("", "it has no key")]
    [InlineData("1", "line 1")]
    [InlineData("0 passphrase x", "line 1")]
    [InlineData("# x\n1 AAAA", "line 2")]
    [InlineData("1 passphrase ", "line 1")]
    [InlineData("1 passphrase x\n1 passphrase y", "line 2")]
    public async Task KeyFile_ThatIsWrong_SaysWhereAndNoKey(string content, string where)
    {
        await File.WriteAllTextAsync(_some.File("keys"), content, Token);

        var e = Assert.Throws<FormatException>(() => KeyRing.OfFile(_some.File("keys")));

        Assert.Contains(where, e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("AAAA", e.Message, StringComparison.Ordinal);
    }

    private sealed class CountingKey : IKeyEncryptionKey
    {
        private readonly LocalKey _key = new(7, RandomNumberGenerator.GetBytes(32));

        public int Unwraps { get; private set; }

        public int Version => 7;

        public ValueTask<byte[]> WrapAsync(ReadOnlyMemory<byte> key, CancellationToken cancellationToken) => _key.WrapAsync(key, cancellationToken);

        public ValueTask<byte[]> UnwrapAsync(ReadOnlyMemory<byte> wrapped, CancellationToken cancellationToken)
        {
            Unwraps++;
            return _key.UnwrapAsync(wrapped, cancellationToken);
        }
    }
}
