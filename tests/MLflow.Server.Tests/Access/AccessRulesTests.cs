using MLflow.Server.Access;
using Xunit;

namespace MLflow.Server.Tests.Access;

public sealed class AccessRulesTests
{
    [Theory]
    [InlineData("a:b")]
    [InlineData("")]
    [InlineData("-a")]
    [InlineData("a b")]
    [InlineData("a\n")]
    public void UserName_ThatCannotBe_IsRefused(string name) => Assert.Throws<MlflowException>(() => NewUser.CheckName(name));

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
}
