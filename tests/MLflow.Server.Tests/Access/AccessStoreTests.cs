using Microsoft.Extensions.Time.Testing;
using MLflow.Server.Access;
using MLflow.Server.Storage.Sqlite;
using Xunit;

namespace MLflow.Server.Tests.Access;

public sealed class AccessStoreTests : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private readonly FakeTimeProvider _time = new();
    private SqliteDatabase _database = null!;
    private SqliteAccessStore _store = null!;

    private static CancellationToken Token => Xunit.TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync()
    {
        _database = SqliteDatabase.Open(_folder.File("mlflow.db"), _time);
        _store = new SqliteAccessStore(_database);
        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        await _database.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task User_IsFoundByNameInAnyCaseAndNamedOnce()
    {
        var user = await AddAsync("Edith", isAdmin: false);

        Assert.Equal(user, _store.FindUser("edith")! with { Permissions = user.Permissions });
        Assert.Equal(ErrorCode.RESOURCE_ALREADY_EXISTS, (await Assert.ThrowsAsync<MlflowException>(() => AddAsync("EDITH"))).ErrorCode);
        Assert.Null(_store.FindUser("edit_"));
    }

    [Theory]
    [InlineData("a:b")]
    [InlineData("")]
    [InlineData("-a")]
    [InlineData("a b")]
    [InlineData("a\n")]
    public void UserName_ThatCannotBe_IsRefused(string name) => Assert.Throws<MlflowException>(() => NewUser.CheckName(name));

    [Fact]
    public async Task FirstUser_IsMadeOnce()
    {
        await _store.CreateUserAsync(new NewUser("a", null), onlyFirst: true, Token);

        await Assert.ThrowsAsync<MlflowException>(() => _store.CreateUserAsync(new NewUser("b", null), onlyFirst: true, Token));
        Assert.Single(_store.ListUsers());
    }

    [Fact]
    public async Task LastAdministrator_OfSeveralUsers_Stays()
    {
        await AddAsync("root");
        await AddAsync("edith", isAdmin: false);

        Assert.Equal(ErrorCode.INVALID_STATE, (await Assert.ThrowsAsync<MlflowException>(() => _store.DeleteUserAsync("root", Token))).ErrorCode);
        Assert.Equal(ErrorCode.INVALID_STATE, (await Assert.ThrowsAsync<MlflowException>(() => _store.ChangeUserAsync("root", new UserChange(IsAdmin: false), Token))).ErrorCode);
        await _store.ChangeUserAsync("edith", new UserChange(IsAdmin: true), Token);
        await _store.DeleteUserAsync("root", Token);
        await _store.DeleteUserAsync("edith", Token);
        Assert.False(_store.HasUsers());
    }

    [Fact]
    public async Task DeletedUser_LeavesNothingToWhoeverIsNamedSo()
    {
        var old = await AddAsync("edith");
        var secret = await AddTokenAsync(old);
        await _store.CreateSessionAsync(new Session([1], old.UserId, 0, long.MaxValue), Token);
        await _store.SetPermissionAsync(old.UserId, 0, Permission.Manage, Token);

        await _store.DeleteUserAsync("edith", Token);
        var user = await AddAsync("edith");

        Assert.NotEqual(old.UserId, user.UserId);
        Assert.Empty(user.Permissions);
        Assert.Null(_store.FindToken(secret.TokenId));
        Assert.Null(_store.FindSession([1]));
    }

    [Fact]
    public async Task Password_Changed_EndsSessions()
    {
        var user = await AddAsync("edith");
        await _store.CreateSessionAsync(new Session([1], user.UserId, 0, long.MaxValue), Token);

        await _store.ChangeUserAsync("edith", new UserChange(PasswordHash: "x"), Token);

        Assert.Null(_store.FindSession([1]));
    }

    [Fact]
    public async Task Sessions_ThatHaveEnded_GoWhenAnotherBegins()
    {
        var user = await AddAsync("edith");
        await _store.CreateSessionAsync(new Session([1], user.UserId, 0, _time.GetUtcNow().ToUnixTimeMilliseconds() + 1000), Token);
        _time.Advance(TimeSpan.FromSeconds(2));

        await _store.CreateSessionAsync(new Session([2], user.UserId, 0, long.MaxValue), Token);

        Assert.Null(_store.FindSession([1]));
        Assert.NotNull(_store.FindSession([2]));
    }

    [Fact]
    public async Task Changes_OfAnotherProcess_CountAtOnce()
    {
        var directory = new AccessDirectory(_store, AccessMode.WhenUsersExist, _time);
        Assert.True(directory.IsOpen);
        await using var other = SqliteDatabase.Open(_folder.File("mlflow.db"), _time);
        var others = new SqliteAccessStore(other);

        var user = await others.CreateUserAsync(new NewUser("edith", null, DefaultPermission: Permission.Edit), onlyFirst: false, Token);
        Assert.False(directory.IsOpen);
        Assert.Null(directory.Find(Credential.Everyone));
        var secret = await AddTokenAsync(user);
        var principal = Credential.Of(Credential.Token, user, secret.TokenId);
        Assert.True(directory.Find(principal)!.May(ExperimentRights.Edit, 0));

        await others.SetPermissionAsync(user.UserId, 0, Permission.Read, Token);
        Assert.False(directory.Find(principal)!.May(ExperimentRights.Edit, 0));

        await others.RevokeTokenAsync(secret.TokenId, Token);
        Assert.Null(directory.Find(principal));

        await others.DeleteUserAsync("edith", Token);
        Assert.False(directory.IsOpen, "Whoever deletes the last user would open the server to all.");
    }

    [Fact]
    public async Task Token_IsValidUntilItExpiresAndOnlyWithItsSecret()
    {
        var directory = new AccessDirectory(_store, AccessMode.Always, _time);
        var user = await AddAsync("edith");
        var administration = new AccessAdministration(_store, new AuditLog(_store, _time), _time);
        var (token, secret) = await administration.CreateTokenAsync(Actor.CommandLine, user, "t", TokenScope.Read, null, TimeSpan.FromDays(1), Token);

        Assert.Equal(token.TokenId, directory.Verify(secret)!.Value.Token.TokenId);
        Assert.Null(directory.Verify(secret with { Text = secret.Text[..^1] + (secret.Text[^1] == 'A' ? 'B' : 'A') }));
        _time.Advance(TimeSpan.FromDays(1));
        Assert.Null(directory.Verify(secret));
        Assert.DoesNotContain(secret.Text, File.ReadAllText(_folder.File("mlflow.db-wal"), System.Text.Encoding.Latin1), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Token_Used_IsNotedNotEachTime()
    {
        var directory = new AccessDirectory(_store, AccessMode.Always, _time);
        var secret = await AddTokenAsync(await AddAsync("edith"));
        var first = _time.GetUtcNow().ToUnixTimeMilliseconds();

        directory.Verify(secret);
        _time.Advance(AccessDirectory.UseResolution / 2);
        directory.Verify(secret);

        // Written by the one writer, in order: whatever was to be noted stands before this.
        await _store.WriteAuditAsync(new AuditEntry(0, null, "x", null, null, "y"), Token);
        Assert.Equal(first, _store.FindToken(secret.TokenId)!.LastUsedMs);

        _time.Advance(AccessDirectory.UseResolution);
        directory.Verify(secret);
        await _store.WriteAuditAsync(new AuditEntry(0, null, "x", null, null, "y"), Token);
        Assert.True(_store.FindToken(secret.TokenId)!.LastUsedMs > first);
    }

    [Theory]
    [InlineData("")]
    [InlineData("mlf_")]
    [InlineData("mlf_0123456789ab")]
    [InlineData("mlf_0123456789ab_")]
    [InlineData("xyz_0123456789ab_secret")]
    public void TokenText_ThatCannotBe_IsNone(string text) => Assert.False(TokenSecret.TryParse(text, out _));

    [Fact]
    public void Password_IsVerifiedByItsHashAlone()
    {
        var hash = PasswordHash.CreateChecked("a long enough one");

        Assert.StartsWith("pbkdf2-sha256$600000$", hash, StringComparison.Ordinal);
        Assert.NotEqual(hash, PasswordHash.CreateChecked("a long enough one"));
        Assert.True(PasswordHash.Verify("a long enough one", hash));
        Assert.False(PasswordHash.Verify("a long enough two", hash));
        Assert.False(PasswordHash.Verify("nobody has this password", null));
        Assert.Throws<MlflowException>(() => PasswordHash.CreateChecked("short"));
    }

    [Theory]
    [InlineData(Permission.None, TokenScope.Admin, ExperimentRights.None)]
    [InlineData(Permission.Read, TokenScope.Admin, ExperimentRights.Read)]
    [InlineData(Permission.Read, TokenScope.Ingest, ExperimentRights.None)]
    [InlineData(Permission.Edit, TokenScope.Ingest, ExperimentRights.Ingest)]
    [InlineData(Permission.Edit, TokenScope.Read, ExperimentRights.Read)]
    [InlineData(Permission.Edit, TokenScope.Admin, ExperimentRights.Ingest | ExperimentRights.Read | ExperimentRights.Edit)]
    [InlineData(Permission.Manage, TokenScope.Write, ExperimentRights.Ingest | ExperimentRights.Read | ExperimentRights.Edit)]
    [InlineData(Permission.Manage, TokenScope.Admin, ExperimentRights.Ingest | ExperimentRights.Read | ExperimentRights.Edit | ExperimentRights.Manage)]
    internal void Rights_AreWhatUserAndTokenBothHave(Permission permission, TokenScope scope, ExperimentRights expected)
    {
        var user = new User { UserId = 1, Name = "u", CreatedMs = 0, DefaultPermission = Permission.None, Permissions = new Dictionary<long, Permission> { [7] = permission } };
        var token = new ApiToken { TokenId = "t", UserId = 1, Name = "t", SecretHash = [], Scope = scope, Experiments = [7], CreatedMs = 0 };

        Assert.Equal(expected, Caller.Of(user, token).RightsTo(7));
        Assert.Equal(ExperimentRights.None, Caller.Of(user with { DefaultPermission = Permission.Manage }, token).RightsTo(8));
        Assert.False(Caller.Of(user with { IsAdmin = true }, token).IsAdministrator, "A token for one experiment is not for all.");
    }

    private Task<User> AddAsync(string name, bool isAdmin = true) => _store.CreateUserAsync(new NewUser(name, null, isAdmin), onlyFirst: false, Token);

    private async Task<TokenSecret> AddTokenAsync(User user)
    {
        var secret = TokenSecret.Create();
        await _store.CreateTokenAsync(
            new ApiToken { TokenId = secret.TokenId, UserId = user.UserId, Name = "t", SecretHash = secret.Hash(), Scope = TokenScope.Admin, CreatedMs = 0 }, Token);
        return secret;
    }
}
