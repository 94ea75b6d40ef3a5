using MLflow.Server.Access;
using MLflow.Server.Storage;
using Xunit;

namespace MLflow.Server.Tests.Storage;

/// <summary>What every <see cref="IAccessStore"/> must do.</summary>
public abstract class AccessStoreConformance : DatabaseConformance
{
    private protected IAccessStore Store => field ??= Database.Access();

    /// <summary>All that is stored of tokens, as text.</summary>
    protected abstract Task<string> StoredAsync();

    [Fact]
    public async Task User_IsFoundByNameInAnyCaseAndNamedOnce()
    {
        var user = await AddAsync("Edith", isAdmin: false);

        Assert.Equal(user, Store.FindUser("edith")! with { Permissions = user.Permissions });
        Assert.Equal(ErrorCode.RESOURCE_ALREADY_EXISTS, (await Assert.ThrowsAsync<MlflowException>(() => AddAsync("EDITH"))).ErrorCode);
        Assert.Null(Store.FindUser("edit_"));
    }

    [Fact]
    public async Task FirstUser_IsMadeOnce()
    {
        await Store.CreateUserAsync(new NewUser("a", null), onlyFirst: true, Token);

        await Assert.ThrowsAsync<MlflowException>(() => Store.CreateUserAsync(new NewUser("b", null), onlyFirst: true, Token));
        Assert.Single(Store.ListUsers());
    }

    [Fact]
    public async Task LastAdministrator_OfSeveralUsers_Stays()
    {
        await AddAsync("root");
        await AddAsync("edith", isAdmin: false);

        Assert.Equal(ErrorCode.INVALID_STATE, (await Assert.ThrowsAsync<MlflowException>(() => Store.DeleteUserAsync("root", Token))).ErrorCode);
        Assert.Equal(ErrorCode.INVALID_STATE, (await Assert.ThrowsAsync<MlflowException>(() => Store.ChangeUserAsync("root", new UserChange(IsAdmin: false), Token))).ErrorCode);
        await Store.ChangeUserAsync("edith", new UserChange(IsAdmin: true), Token);
        await Store.DeleteUserAsync("root", Token);
        await Store.DeleteUserAsync("edith", Token);
        Assert.False(Store.HasUsers());
    }

    [Fact]
    public async Task DeletedUser_LeavesNothingToWhoeverIsNamedSo()
    {
        var old = await AddAsync("edith");
        var secret = await AddTokenAsync(old);
        await Store.CreateSessionAsync(new Session([1], old.UserId, 0, long.MaxValue), Token);
        await Store.SetPermissionAsync(old.UserId, 0, Permission.Manage, Token);

        await Store.DeleteUserAsync("edith", Token);
        var user = await AddAsync("edith");

        Assert.NotEqual(old.UserId, user.UserId);
        Assert.Empty(user.Permissions);
        Assert.Null(Store.FindToken(secret.TokenId));
        Assert.Null(Store.FindSession([1]));
    }

    [Fact]
    public async Task Password_Changed_EndsSessions()
    {
        var user = await AddAsync("edith");
        await Store.CreateSessionAsync(new Session([1], user.UserId, 0, long.MaxValue), Token);

        await Store.ChangeUserAsync("edith", new UserChange(PasswordHash: "x"), Token);

        Assert.Null(Store.FindSession([1]));
    }

    [Fact]
    public async Task Sessions_ThatHaveEnded_GoWhenAnotherBegins()
    {
        var user = await AddAsync("edith");
        await Store.CreateSessionAsync(new Session([1], user.UserId, 0, Time.GetUtcNow().ToUnixTimeMilliseconds() + 1000), Token);
        Time.Advance(TimeSpan.FromSeconds(2));

        await Store.CreateSessionAsync(new Session([2], user.UserId, 0, long.MaxValue), Token);

        Assert.Null(Store.FindSession([1]));
        Assert.NotNull(Store.FindSession([2]));
    }

    [Fact]
    public async Task Changes_OfAnotherProcess_CountAtOnce()
    {
        var directory = new AccessDirectory(Store, AccessMode.WhenUsersExist, Time);
        Assert.True(directory.IsOpen);
        await using var other = await OpenAsync();
        var others = other.Access();

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
        var directory = new AccessDirectory(Store, AccessMode.Always, Time);
        var user = await AddAsync("edith");
        var administration = new AccessAdministration(Store, new AuditLog(Store, Time), Time);
        var (token, secret) = await administration.CreateTokenAsync(Actor.CommandLine, user, "t", TokenScope.Read, null, TimeSpan.FromDays(1), Token);

        Assert.Equal(token.TokenId, directory.Verify(secret)!.Value.Token.TokenId);
        Assert.Null(directory.Verify(secret with { Text = secret.Text[..^1] + (secret.Text[^1] == 'A' ? 'B' : 'A') }));
        Time.Advance(TimeSpan.FromDays(1));
        Assert.Null(directory.Verify(secret));
        Assert.DoesNotContain(secret.Text, await StoredAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Token_IsReadBackAndItsUseNotedWithoutNews()
    {
        var user = await AddAsync("edith");
        var token = new ApiToken { TokenId = "t", UserId = user.UserId, Name = "n", SecretHash = [0, 1, 255], Scope = TokenScope.Ingest, Experiments = [0, 7], CreatedMs = 1, ExpiresMs = 2 };
        await Store.CreateTokenAsync(token, Token);
        await AddTokenAsync(await AddAsync("maria"));
        var version = Store.GetVersion();

        await Store.NoteUseAsync("t", 17, Token);

        Assert.Equal(version, Store.GetVersion());
        Assert.Equivalent(token with { LastUsedMs = 17 }, Assert.Single(Store.ListTokens(user.UserId)), strict: true);
        Assert.Equal(2, Store.ListTokens(null).Count);
        Assert.True(await Store.RevokeTokenAsync("t", Token));
        Assert.False(await Store.RevokeTokenAsync("t", Token));
        Assert.Equal(Time.GetUtcNow().ToUnixTimeMilliseconds(), Store.FindToken("t")!.RevokedMs);
        Assert.True(Store.GetVersion() > version);
    }

    [Fact]
    public async Task KeysAndAudit_AreReadBackInTheirOrder()
    {
        await Store.AddKeyAsync("a", "<a/>", Token);
        await Store.AddKeyAsync("b", "<b/>", Token);
        var entry = new AuditEntry(1, "edith", "x", "target", "127.0.0.1", "y");
        await Store.WriteAuditAsync(entry, Token);
        await Store.WriteAuditAsync(entry with { Actor = null, Target = null, Address = null }, Token);

        Assert.Equal(["<a/>", "<b/>"], Store.ListKeys());
        Assert.Equal([entry with { Actor = null, Target = null, Address = null }, entry], Store.ListAudit(2));
        Assert.Single(Store.ListAudit(1));
    }

    [Fact]
    public async Task FirstUser_OfManyAtOnce_IsOne()
    {
        var results = await Task.WhenAll(Enumerable.Range(0, 8).Select(async i =>
        {
            try
            {
                await Store.CreateUserAsync(new NewUser($"u{i}", null), onlyFirst: true, Token);
                return true;
            }
            catch (MlflowException e) when (e.ErrorCode == ErrorCode.RESOURCE_ALREADY_EXISTS)
            {
                return false;
            }
        }));

        Assert.Single(results, made => made);
        Assert.Single(Store.ListUsers());
    }

    private protected Task<User> AddAsync(string name, bool isAdmin = true) => Store.CreateUserAsync(new NewUser(name, null, isAdmin), onlyFirst: false, Token);

    private protected async Task<TokenSecret> AddTokenAsync(User user)
    {
        var secret = TokenSecret.Create();
        await Store.CreateTokenAsync(
            new ApiToken { TokenId = secret.TokenId, UserId = user.UserId, Name = "t", SecretHash = secret.Hash(), Scope = TokenScope.Admin, CreatedMs = 0 }, Token);
        return secret;
    }
}
