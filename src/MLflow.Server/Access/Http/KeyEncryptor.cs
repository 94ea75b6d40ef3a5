using System.Text;
using System.Xml.Linq;
using Microsoft.AspNetCore.DataProtection.XmlEncryption;

namespace MLflow.Server.Access.Http;

/// <summary>Puts <see cref="KeyPassphrase"/> into DataProtection.</summary>
internal sealed class KeyEncryptor : IXmlEncryptor
{
    private readonly KeyPassphrase _passphrase;

    public KeyEncryptor(KeyPassphrase passphrase) => _passphrase = passphrase;

    public EncryptedXmlInfo Encrypt(XElement plaintextElement) => new(
        new XElement("passphrase", Convert.ToBase64String(_passphrase.Encrypt(Encoding.UTF8.GetBytes(plaintextElement.ToString(SaveOptions.DisableFormatting))))), typeof(KeyDecryptor));
}
