package pitwall.sinks.cassandra;

import com.datastax.oss.driver.api.core.ssl.ProgrammaticSslEngineFactory;
import com.datastax.oss.driver.api.core.ssl.SslEngineFactory;

import java.io.IOException;
import java.io.InputStream;
import java.io.Serializable;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.InvalidKeySpecException;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.Collection;

import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;

/**
 * How this client and Cassandra's nodes know each other, by PEM files.
 *
 * @param ca certificates that sign those of the nodes; null for the system's authorities
 * @param certificate the certificate that this client shows, or null for none
 * @param key its private key (PKCS#8), or null
 * @param verifyHost whether a node's certificate must name its host
 */
record CassandraTls(String ca, String certificate, String key, boolean verifyHost)
        implements Serializable {
    private static final char[] NO_PASSWORD = new char[0];

    /** The driver's TLS engines. Throws IOException if a file has no certificate or key in it. */
    SslEngineFactory engines() throws IOException {
        try {
            SSLContext context = SSLContext.getInstance("TLS");
            KeyManager[] keys = certificate == null ? null : clientKeys().getKeyManagers();
            TrustManager[] authorities = ca == null ? null : authorities().getTrustManagers();
            context.init(keys, authorities, null);
            return new ProgrammaticSslEngineFactory(context, null, verifyHost);
        } catch (GeneralSecurityException e) {
            throw new IOException(
                    "online_store.tls names a file without a certificate or key in PEM form: "
                            + e.getMessage(),
                    e);
        }
    }

    private TrustManagerFactory authorities() throws IOException, GeneralSecurityException {
        KeyStore store = emptyStore();
        int number = 0;
        for (Certificate authority : certificates(ca)) {
            store.setCertificateEntry("ca" + number++, authority);
        }
        TrustManagerFactory factory =
                TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        factory.init(store);
        return factory;
    }

    private KeyManagerFactory clientKeys() throws IOException, GeneralSecurityException {
        KeyStore store = emptyStore();
        store.setKeyEntry(
                "client",
                privateKey(),
                NO_PASSWORD,
                certificates(certificate).toArray(new Certificate[0]));
        KeyManagerFactory factory =
                KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        factory.init(store, NO_PASSWORD);
        return factory;
    }

    private PrivateKey privateKey() throws IOException, GeneralSecurityException {
        String text = Files.readString(Path.of(key)).replaceAll("-----[A-Z ]+-----", "");
        PKCS8EncodedKeySpec spec = new PKCS8EncodedKeySpec(Base64.getMimeDecoder().decode(text));
        try {
            return KeyFactory.getInstance("EC").generatePrivate(spec);
        } catch (InvalidKeySpecException e) {
            return KeyFactory.getInstance("RSA").generatePrivate(spec);
        }
    }

    private static Collection<? extends Certificate> certificates(String path)
            throws IOException, GeneralSecurityException {
        try (InputStream in = Files.newInputStream(Path.of(path))) {
            return CertificateFactory.getInstance("X.509").generateCertificates(in);
        }
    }

    private static KeyStore emptyStore() throws IOException, GeneralSecurityException {
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null, null);
        return store;
    }
}
